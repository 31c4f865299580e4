/** What of the migration is called. */
import { UsageError } from '../command.ts'
import { type CutOverCall, parseCutOverCall } from './cut-over-arguments.ts'
import { type MessagesCall, parseMessagesCall } from './messages-arguments.ts'
import { type PlacementsCall, parsePlacementsCall } from './placements-arguments.ts'

export type Call = PlacementsCall | MessagesCall | CutOverCall

/** Undefined where help is asked for. Throws a UsageError. */
export function parseCall(args: readonly string[]): Call | undefined {
  const [what = 'help', ...rest] = args
  if (what === 'help' || args.includes('--help') || args.includes('-h')) return undefined
  if (what === 'placements') return parsePlacementsCall(rest)
  if (what === 'cut-over') return parseCutOverCall(rest)
  if (/^\d/.test(what)) return parseMessagesCall(what, rest)
  throw new UsageError(
    what.startsWith('-')
      ? 'Say first what is to be brought in: a range of rows (0 is all), cut-over or placements.'
      : `There is nothing called ${what} to be brought in.`,
  )
}
