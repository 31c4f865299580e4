/** Bounds what a request waits for before the log is asked: a gateway that hangs must not hold its answer back. */
import { SchedulerError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'

/**
 * What `work` gives, or `unavailable` when the deadline passes first; what was begun goes on then, and concerns nobody.
 * @param deadline ms since the epoch
 */
export async function inTime<T>({ clock }: { clock: Clock }, deadline: number, work: Promise<T>): Promise<T> {
  const timer = new AbortController()
  const late = clock.sleep(deadline - clock.now(), timer.signal).then(() => {
    throw new SchedulerError(
      'unavailable',
      'What this request depends on did not answer in time: nothing was scheduled; asking again is safe',
      { retryAfter: 2 },
    )
  })
  try {
    return await Promise.race([work, late])
  } finally {
    timer.abort()
  }
}
