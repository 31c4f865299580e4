/**
 * A post or an assign that comes again within the retry window of being scheduled is a retry after a lost answer: it gets
 * that answer again (contract, "What is refused"). The reference refuses it, and the MU then never pushes its results.
 */
import { hasCode, type Place, SchedulerError } from '../errors.ts'
import type { Scheduler } from './scheduler.ts'

/** Id and place of what was scheduled before, if this refusal is one of a retry. Throws the refusal otherwise. */
export function scheduledBefore(
  error: unknown,
  { clock, rules }: Pick<Scheduler, 'clock' | 'rules'>,
): { id: string; place: Place } {
  if (!hasCode(error, 'already-scheduled')) throw error
  const { id, place } = error.details
  // Timestamps may run ahead of the clock, so an age may be negative: without a window there is none for that either.
  const isRetry = place && rules.retryWindowMs > 0 && clock.now() - place.timestamp < rules.retryWindowMs
  if (id === undefined || !isRetry) throw error
  return { id, place }
}

export const alreadyAssigned = (place: { assignment: string; nonce: number; timestamp: number }) =>
  new SchedulerError('already-scheduled', 'The transaction is assigned to this process already', {
    id: place.assignment,
    place,
  })
