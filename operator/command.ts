/** What a command of the operator's is. */
import { parseArgs } from 'node:util'
import { isId } from '../core/ans104/base64url.ts'
import type { UnitStores } from '../core/placement/move-stores.ts'
import type { UnitSettings } from '../core/placement/units.ts'
import type { Clock } from '../core/ports/clock.ts'
import type { Gateway } from '../core/ports/gateway.ts'
import type { PlacementStore } from '../core/ports/placement-store.ts'
import type { RelayDeps } from '../core/relay/deps.ts'
import type { ReuploadDeps } from '../core/relay/reupload.ts'

/** What commands work on, made when one asks for it: a wrong call opens nothing. */
export interface Workplace {
  uploads(): RelayDeps & ReuploadDeps
  /** The router's table of placements. */
  placements(): PlacementStore
  /** The router's list of units; none where this is not known here. */
  listedUnits(): readonly UnitSettings[]
  /**
   * A unit's stores. @param where the file that holds its environment, or the folder of that; none: the unit that this
   * environment describes. Fails with `invalid-request` where its log was never begun.
   */
  unit(where?: string): Promise<UnitStores>
  /** The gateway that this unit asks. */
  gateway(where?: string): Gateway
  clock: Clock
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

/**
 * node:util's parseArgs for flags, options with a value (`--from PLACE` or `--from=PLACE`) and positionals, in any order; its
 * complaints are the caller's mistakes.
 */
export function parse<const T extends Record<string, { type: 'boolean' | 'string' }>>(
  args: readonly string[],
  options: T,
) {
  const flags: string[] = []
  const others: string[] = []
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? ''
    if (!arg.startsWith('-') || looksLikeIds(arg)) others.push(arg)
    else {
      flags.push(arg)
      const value = args[index + 1]
      if (options[arg.slice(2)]?.type === 'string' && value !== undefined) {
        flags.push(value)
        index++
      }
    }
  }
  try {
    return parseArgs({ args: [...flags, '--', ...others], options, allowPositionals: true, strict: true })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** Ids of processes, separated by commas. */
export function processesIn(list = ''): string[] {
  const processes = list.split(',').filter((id) => id !== '')
  if (processes.length > 0 && processes.every(isId)) return processes
  throw new UsageError('Name processes by their ids of 43 characters, separated by commas.')
}
