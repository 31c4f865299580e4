/** When an invocation is to have stopped. */
import type { Context } from 'aws-lambda'
import type { Clock } from '../../core/ports/clock.ts'

export type TimedContext = Pick<Context, 'getRemainingTimeInMillis'>

/** What is under way at the end may take so long: a batch, with a store that throttles; ms. */
const MARGIN_MS = 30_000

/** ms since the epoch */
export function deadlineOf(clock: Clock, context: TimedContext): number {
  const remaining = context.getRemainingTimeInMillis()
  return clock.now() + Math.max(remaining - MARGIN_MS, remaining / 2)
}
