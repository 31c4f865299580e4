/**
 * Queryable metadata (Postgres). It follows the log and is never on the way of a write, nor the only way to an answer:
 * every question that is asked of it here is a hint, checked against the log by the asker.
 */
import type { Tag } from '../ans104/tags.ts'
import type { LogRecord } from '../log/record.ts'

/** What the index knows of a record: all but its data. What comes from the item is missing where there is none. */
export interface RecordMetadata
  extends Pick<LogRecord, 'process' | 'nonce' | 'kind' | 'id' | 'timestamp' | 'timeKey' | 'blockHeight'> {
  /** None at nonce -1. */
  assignmentId?: string
  /** Address of the item's owner. */
  owner?: string
  /** Base64url, 43 characters. */
  target?: string
  /** Length of the raw item. */
  bytes?: number
  tags: readonly Tag[]
  /** The record has an item (or an assignment) that could not be read. */
  unreadable?: boolean
}

export interface MetadataIndex {
  /**
   * Writes the rows of these records (any processes, any order). Idempotent by process and nonce; a row that says something else
   * is replaced. Takes any record that the log holds, whatever its tags hold. Fails with `unavailable`.
   */
  index(records: readonly RecordMetadata[]): Promise<void>
}

export interface TimeIndex {
  /**
   * The greatest nonce of the process whose time key is at most `timestamp` (ms), as far as the index knows; undefined
   * when it knows none, cannot answer or does not answer in time. Never throws: the asker searches the log then.
   */
  lastNonceUpTo(process: string, timestamp: number): Promise<number | undefined>
}
