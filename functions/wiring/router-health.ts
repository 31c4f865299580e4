/** Whether the router can do its work: the table of placements answers, and the list of units goes with it. */
import { SchedulerError } from '../../core/errors.ts'
import type { Placements } from '../../core/placement/placements.ts'
import type { Clock } from '../../core/ports/clock.ts'
import { held } from './health.ts'

/** More than these would make an answer of any length. */
const SHOWN = 5

export interface RouterHealthParts {
  placements: Pick<Placements, 'leftOut'>
  clock: Clock
}

/** Fails with `unavailable`. Units may be down: the router serves the processes of the others. */
export const createRouterHealth = ({ placements, clock }: RouterHealthParts): (() => Promise<void>) =>
  held(clock, async () => {
    const leftOut = await placements.leftOut()
    if (leftOut.length === 0) return
    const shown = leftOut.slice(0, SHOWN).map(({ url }) => url)
    throw new SchedulerError(
      'unavailable',
      `The list of units leaves out ${leftOut.length} that still have processes: ${shown.join(', ')}`,
      { retryAfter: 60 },
    )
  })
