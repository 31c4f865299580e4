/** What DynamoDB's errors mean: certainly not done, perhaps done, refused by a condition, or out of reach. */
import type { AttributeValue, CancellationReason } from '@aws-sdk/client-dynamodb'
import { SchedulerError } from '../../core/errors.ts'

const THROTTLED = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
  'LimitExceededException',
])

/** The function's configuration is wrong: nothing was done, and repeating does not help. */
const MISCONFIGURED = new Set([
  'AccessDeniedException',
  'ResourceNotFoundException',
  'UnrecognizedClientException',
  'ExpiredTokenException',
  'MissingAuthenticationTokenException',
  'CredentialsProviderError',
])

/** Mistakes of ours: repeating them helps nobody. */
const MISTAKES = new Set(['ValidationException', 'SerializationException', 'IdempotentParameterMismatchException'])

interface AwsError {
  name: string
}

const isAwsError = (error: unknown): error is AwsError =>
  typeof error === 'object' && error !== null && 'name' in error && typeof error.name === 'string'

/** A request that DynamoDB finds wrong. */
export const isMistake = (error: unknown): boolean => isAwsError(error) && MISTAKES.has(error.name)

/** The function lacks a permission, a table or credentials, which no repetition brings. */
export const isMisconfiguration = (error: unknown): boolean => isAwsError(error) && MISCONFIGURED.has(error.name)

/** A single write's condition was not met; with the row that stood there, where that was asked for. */
export const isRefusal = (error: unknown): error is Error & { Item?: Record<string, AttributeValue> } =>
  error instanceof Error && error.name === 'ConditionalCheckFailedException'

/** Why DynamoDB cancelled a transaction, row by row in the order of its rows; undefined when it was something else that went wrong. */
export function cancellation(error: unknown): CancellationReason[] | undefined {
  if (!isAwsError(error) || error.name !== 'TransactionCanceledException') return undefined
  return 'CancellationReasons' in error ? (error.CancellationReasons as CancellationReason[]) : undefined
}

/**
 * How one attempt of a write ended that was not answered by success or by a condition. `busy`: nothing was written.
 * `unanswered`: it may have been. Throws what repeating does not help.
 */
export function failedWrite(error: unknown): { kind: 'busy' } | { kind: 'unanswered'; cause: unknown } {
  if (isAwsError(error)) {
    if (isMistake(error)) throw error
    if (isMisconfiguration(error)) throw unavailable(error)
    if (THROTTLED.has(error.name)) return { kind: 'busy' }
  }
  return { kind: 'unanswered', cause: error }
}

/**
 * What failed without an answer, as an error of the unit.
 * @param store begins the sentence
 */
export function unavailable(error: unknown, store = 'The log'): SchedulerError {
  if (error instanceof SchedulerError) return error
  if (isMistake(error)) throw error
  const message =
    isAwsError(error) && MISCONFIGURED.has(error.name)
      ? `${store}: DynamoDB refuses access (${error.name}). The operator must check the function's permissions, credentials and table names.`
      : `${store} does not answer`
  return new SchedulerError('unavailable', message, { retryAfter: 1, cause: error })
}

/** Runs a read and turns what the store fails with into `unavailable`. */
export async function reading<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    throw unavailable(error)
  }
}
