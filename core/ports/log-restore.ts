/**
 * A log whose tables may be of different moments, since they came back from backups: what each of them holds by itself, and the
 * changes that no commit makes. Only for a log in which nothing is scheduled (`foreign-log`). All of it fails with `unavailable`.
 */
import type { Head, LogRecord } from '../log/record.ts'

/** A nonce of a process, -1 too. */
export interface Nonce {
  process: string
  nonce: number
}

/** Rows of the ids table that name a nonce. */
export interface NamedNonce extends Nonce {
  /** The row of its assignment, of which each nonce but -1 has one. */
  assignment: boolean
}

export interface LogRestore {
  /** Every head, in no order. Memory stays flat, in all three of these. */
  heads(): AsyncIterable<readonly Head[]>
  /** Every record that is there, whatever heads say. */
  records(): AsyncIterable<readonly Nonce[]>
  /** Every row by which something is found or refused a second time. */
  ids(): AsyncIterable<readonly NamedNonce[]>

  /** Those of these records that are there, in the order of nonces. None is missed, none is an error. */
  recordsAt(process: string, nonces: readonly number[]): Promise<LogRecord[]>
  /** Those of these assignments, by their ids, that cannot be found. */
  notFound(process: string, assignments: readonly string[]): Promise<ReadonlySet<string>>

  /**
   * Writes a head in the place of this one, whatever its state (undefined: there is none); true also where `to` stands
   * already. False where another one stands.
   */
  replaceHead(from: Head | undefined, to: Head): Promise<boolean>
  /** Removes a head, if it is still this one: the process may be spawned again then. True also where there is none. */
  removeHead(head: Head): Promise<boolean>
  /**
   * Removes the rows by which nonces are found that are lost: in each of these processes the given nonce and all above it. Their
   * items may be scheduled again then.
   */
  forgetIds(lost: ReadonlyMap<string, number>): Promise<void>
}
