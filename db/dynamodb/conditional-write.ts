/**
 * Single conditional writes, each repeated until DynamoDB answers. While a row is in a transaction, as the head of a busy process
 * mostly is, DynamoDB refuses every other write of it with TransactionConflictException, which the SDK does not repeat.
 */
import pRetry from 'p-retry'
import { SchedulerError } from '../../core/errors.ts'
import { isMisconfiguration, isMistake, isRefusal, unavailable } from './failures.ts'
import type { Attributes } from './head-row.ts'

/** All attempts of a call together, ms: a leader that commits without a pause leaves a gap for one of them. */
const DEADLINE_MS = 8_000
/** One attempt, ms. The farthest region answers in 300. */
const ATTEMPT_MS = 1_200

export type Attempt<T> = (options: { abortSignal: AbortSignal }) => Promise<T>

export interface PersistOptions {
  /** Begins the sentence of the failure. */
  store?: string
  /** All attempts together, ms. */
  within?: number
}

/**
 * Attempts until one is answered, or the time is over: then it fails with `unavailable`, and may have happened. Fails so at once
 * where permissions, tables or credentials are missing.
 */
export async function persist<T>(
  attempt: Attempt<T>,
  { store = 'The log', within = DEADLINE_MS }: PersistOptions = {},
): Promise<T> {
  const deadline = AbortSignal.timeout(within)
  try {
    return await pRetry(() => attempt({ abortSignal: AbortSignal.any([deadline, AbortSignal.timeout(ATTEMPT_MS)]) }), {
      retries: 30,
      minTimeout: 10,
      maxTimeout: 500,
      factor: 1.5,
      randomize: true,
      maxRetryTime: within,
      shouldRetry: ({ error }) =>
        !(error instanceof SchedulerError) && !isMistake(error) && !isMisconfiguration(error) && !deadline.aborted,
    })
  } catch (error) {
    throw unavailable(error, store)
  }
}

export interface WriteOutcome {
  written: boolean
  /** Where the condition refused: the row that stands, if there is one and the write asks for it (ALL_OLD). */
  row?: Attributes
}

/**
 * Persists with one conditional write until it is written or its condition refuses it. After a lost answer the refusal may come
 * from the write itself: a caller to whom that matters looks at the row. Fails with `unavailable`.
 */
export const writeOnCondition = (send: Attempt<unknown>, options?: PersistOptions): Promise<WriteOutcome> =>
  persist(async (attempt) => {
    try {
      await send(attempt)
      return { written: true }
    } catch (error) {
      if (!isRefusal(error)) throw error
      return { written: false, ...(error.Item && { row: error.Item }) }
    }
  }, options)
