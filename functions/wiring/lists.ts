/** The access lists of a unit or a router, which tell an operator what of them is not understood. */
import type { AccessLists } from '../../core/ports/lists.ts'
import type { Meter } from '../../core/ports/meter.ts'
import { type AccessListsOptions, createAccessLists } from '../../network/lists.ts'
import type { Logger } from '../telemetry/logger.ts'

/** Entries that a line of the log names. */
const NAMED = 10

export const openLists = (access: AccessListsOptions, logger: Logger, meter: Meter): AccessLists =>
  createAccessLists({
    ...access,
    onNotUnderstood(entries) {
      meter.count('ip_list_not_understood', entries.length)
      const named = entries.slice(0, NAMED).map((entry) => entry.slice(0, 100))
      logger.warn(
        { entries: named, count: entries.length },
        'The IP list has entries that are no addresses or ranges. Callers at them are refused.',
      )
    },
  })
