/** What the migration's command works on, made when it is needed: a wrong call opens nothing. */
import type { OldUnit } from '../../core/ports/old-unit.ts'
import type { MessagesParts } from '../../functions/mig/messages.ts'
import type { PlacementsParts } from '../../functions/mig/placements.ts'

export interface MigWorkplace {
  /** The router's. */
  placements(): PlacementsParts
  /** A unit's. @param where which one, where there are several */
  messages(where: string | undefined): MessagesParts
  /** The unit that processes are taken over from. */
  oldUnit(url: string): OldUnit
  /** A line of the report. */
  print(line: string): void
  /** Text as it is on standard error, for what goes wrong and for how far it is. */
  warn(text: string): void
  /** Whether standard error is a terminal. */
  terminal: boolean
  /** From now on whoever waits no longer (Ctrl-C) lets it come to an end; a second time ends it. */
  interruption(): AbortSignal
  /** What to look at where a variable is missing. */
  hint: string
}
