/** The router's one-off invocation: what is asked by its event, what became of it in its answer. */
import type { Logger } from '../telemetry/logger.ts'
import { deadlineOf, type TimedContext } from './deadline.ts'
import { bringInPlacements, type PlacementsAnswer, type PlacementsParts } from './placements.ts'
import { parsePlacementsEvent } from './placements-event.ts'

export interface PlacementsHandlerDeps extends PlacementsParts {
  log: Pick<Logger, 'info' | 'warn'>
}

/** An answer may have 6 MB; 200 bytes name a process. */
const MAX_NAMED = 10_000

/**
 * Answers what was done, and where to go on if it is not all (`done: false`, `after`). An event that is wrong, or that does not fit
 * the router's configuration, is an error that says so, and nothing is written.
 */
export function createPlacementsHandler({ log, ...parts }: PlacementsHandlerDeps) {
  return async (event: unknown, context: TimedContext): Promise<PlacementsAnswer> => {
    const { placements } = parsePlacementsEvent(event)
    const deadline = deadlineOf(parts.clock, context)
    const answer = await bringInPlacements(
      parts,
      placements,
      { deadline, named: MAX_NAMED },
      {
        onLeftOut: (row) => log.warn({ ...row }, 'A row of the source is left out.'),
        onProgress: () => undefined,
      },
    )
    for (const conflict of answer.conflicts) log.warn({ ...conflict }, 'A process stands at another unit.')
    const { conflicts, leftOut, ...summary } = answer
    log.info({ ...summary, conflicts: conflicts.length, leftOut: leftOut.length }, 'Placements were brought in.')
    return answer
  }
}
