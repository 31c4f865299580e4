/** Not asking a store for a moment after it did not answer: a page has the log, and should not wait for the same thing again and again. */
import { hasCode, SchedulerError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'

const REST_MS = 2_000

/** The same call, which fails at once with `unavailable` for a while after it failed with that. */
export function whileAnswering<Args extends unknown[], T>(
  clock: Pick<Clock, 'now'>,
  call: (...args: Args) => Promise<T>,
): (...args: Args) => Promise<T> {
  let restsUntil = Number.NEGATIVE_INFINITY
  return async (...args) => {
    if (clock.now() < restsUntil) {
      throw new SchedulerError('unavailable', 'The store of segments did not answer just now', { retryAfter: 1 })
    }
    try {
      return await call(...args)
    } catch (error) {
      if (hasCode(error, 'unavailable')) restsUntil = clock.now() + REST_MS
      throw error
    }
  }
}
