/**
 * Queryable metadata (Postgres). It follows the log and is never on the way of a write, nor the only way to an answer:
 * every question that is asked of it here is a hint, checked against the log by the asker.
 */
import type { LogRecord } from '../log/record.ts'

export interface MetadataIndex {
  /**
   * Writes the rows of these records (any processes, any order). Idempotent by process and nonce. Takes any record that
   * the log holds, whatever its tags hold. Fails with `unavailable`.
   */
  index(records: readonly LogRecord[]): Promise<void>
}

export interface TimeIndex {
  /**
   * The greatest nonce of the process whose timestamp is at most `timestamp` (ms), as far as the index knows; undefined
   * when it knows none, cannot answer or does not answer in time. Never throws: the asker searches the log then.
   */
  lastNonceUpTo(process: string, timestamp: number): Promise<number | undefined>
}
