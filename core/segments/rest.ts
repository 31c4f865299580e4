/** Not asking a store for a moment after it did not answer: a page has the log, and should not wait for the same thing again and again. */
import { hasCode, SchedulerError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'

const REST_MS = 2_000

export interface Resting<Args extends unknown[], T> {
  /** The same call, which fails at once with `unavailable` for a while after it failed with that. */
  ask(...args: Args): Promise<T>
  /**
   * Likewise, but its failure says nothing of the store: nobody waits for it, and what has been frozen meanwhile, as a Lambda is
   * between two requests, finds its time over when it wakes up.
   */
  askEarly(...args: Args): Promise<T>
}

export function whileAnswering<Args extends unknown[], T>(
  clock: Pick<Clock, 'now'>,
  call: (...args: Args) => Promise<T>,
): Resting<Args, T> {
  let restsUntil = Number.NEGATIVE_INFINITY
  async function askEarly(...args: Args): Promise<T> {
    if (clock.now() < restsUntil) {
      throw new SchedulerError('unavailable', 'The store of segments did not answer just now', { retryAfter: 1 })
    }
    return await call(...args)
  }
  return {
    askEarly,
    async ask(...args) {
      try {
        return await askEarly(...args)
      } catch (error) {
        if (hasCode(error, 'unavailable') && clock.now() >= restsUntil) restsUntil = clock.now() + REST_MS
        throw error
      }
    },
  }
}
