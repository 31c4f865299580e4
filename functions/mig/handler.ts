/** The one-off invocation: what is asked by its event, what became of it in its answer. */
import type { Context } from 'aws-lambda'
import type { Logger } from '../telemetry/logger.ts'
import { parseMigEvent } from './event.ts'
import { bringInPlacements, type PlacementsAnswer, type PlacementsParts } from './placements.ts'

export interface MigHandlerDeps extends PlacementsParts {
  log: Pick<Logger, 'info' | 'warn'>
}

/** What is under way at the end may take so long: a batch, with a store that throttles; ms. */
const MARGIN_MS = 30_000

/** An answer may have 6 MB; 200 bytes name a process. */
const MAX_NAMED = 10_000

/**
 * Answers what was done, and where to go on if it is not all (`done: false`, `after`). An event that is wrong, or that does not fit
 * the router's configuration, is an error that says so, and nothing is written.
 */
export function createMigHandler({ log, ...parts }: MigHandlerDeps) {
  return async (event: unknown, context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<PlacementsAnswer> => {
    const { placements } = parseMigEvent(event)
    const remaining = context.getRemainingTimeInMillis()
    const deadline = parts.clock.now() + Math.max(remaining - MARGIN_MS, remaining / 2)
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
