/** What a command of the operator's is. */
import { parseArgs } from 'node:util'
import type { RelayDeps } from '../core/relay/deps.ts'
import type { ReuploadDeps } from '../core/relay/reupload.ts'

/** What commands work on, made when one asks for it: a wrong call opens nothing. */
export interface Workplace {
  uploads(): RelayDeps & ReuploadDeps
  /** A line of the answer. */
  print(line: string): void
  /** A line about what went wrong. */
  complain(line: string): void
}

/** All is well; something was left undone, and was complained about; the command was called wrongly. */
export const exits = { well: 0, undone: 1, misused: 2 } as const
export type Exit = (typeof exits)[keyof typeof exits]

export interface Command {
  /** How to call it, a line for each way. */
  usage: readonly string[]
  run(args: readonly string[], workplace: Workplace): Promise<Exit>
}

/** The command was called wrongly; the message says what to do. */
export class UsageError extends Error {}

/** One in 64 ids begins with a hyphen, and so may a list of them. */
const looksLikeIds = (arg: string): boolean => /^-[\w-]{42}(,|$)/.test(arg)

/** node:util's parseArgs for flags and positionals, whose complaints are the caller's mistakes. */
export function parse<const T extends Record<string, { type: 'boolean' }>>(args: readonly string[], options: T) {
  const isFlag = (arg: string) => arg.startsWith('-') && !looksLikeIds(arg)
  const sorted = [...args.filter(isFlag), '--', ...args.filter((arg) => !isFlag(arg))]
  try {
    return parseArgs({ args: sorted, options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}
