/** What DynamoDB's errors mean to the log: certainly not done, perhaps done, or out of reach. */
import { SchedulerError } from '../../core/errors.ts'

const THROTTLED = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
  'LimitExceededException',
])

/** Mistakes of ours: repeating them helps nobody. */
const MISTAKES = new Set(['ValidationException', 'SerializationException', 'IdempotentParameterMismatchException'])

interface AwsError {
  name: string
  $metadata?: { attempts?: number }
}

const isAwsError = (error: unknown): error is AwsError =>
  typeof error === 'object' && error !== null && 'name' in error && typeof error.name === 'string'

/**
 * How a write ended that was not answered by success or by a condition. `busy`: certainly nothing was written.
 * `unanswered`: it may have been, also when a later attempt of the SDK's was throttled.
 */
export function failedWrite(error: unknown): { kind: 'busy' } | { kind: 'unanswered'; cause: unknown } {
  if (isAwsError(error)) {
    if (MISTAKES.has(error.name)) throw error
    if (THROTTLED.has(error.name) && (error.$metadata?.attempts ?? 1) === 1) return { kind: 'busy' }
  }
  return { kind: 'unanswered', cause: error }
}

/** A read that failed, as an error of the unit. */
export function unavailable(error: unknown): SchedulerError {
  if (error instanceof SchedulerError) return error
  if (isAwsError(error) && MISTAKES.has(error.name)) throw error
  return new SchedulerError('unavailable', 'The log does not answer', { retryAfter: 1, cause: error })
}

/** Runs a read and turns what the store fails with into `unavailable`. */
export async function reading<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    throw unavailable(error)
  }
}
