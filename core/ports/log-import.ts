/**
 * Brings a process into the log that was scheduled elsewhere: in another region's log, or by another scheduler unit. Its
 * head stands as `incomplete` until all of it is there, so that nothing is read or scheduled before. Every step may be
 * repeated, after a crash or by several at once, in any order. All of it fails with `unavailable`.
 */
import type { Place } from '../errors.ts'
import type { Head, LogRecord } from '../log/record.ts'

export interface ImportedRecord extends LogRecord {
  /** The assignment's id, 43 characters; none at nonce -1. */
  assignmentId?: string
  /** Deep hash to be kept: of pushed messages, and of assigned transactions that are not base-layer. */
  deepHash?: string
}

/** What is known of a process before any of its records. */
export type NewLog = Pick<Head, 'process' | 'timestamp' | 'blockHeight' | 'epoch' | 'firstNonce' | 'settlementDepth'>

export interface LogImport {
  /**
   * Begins a process: its head stands as `incomplete` from now on, unless there is a head. Gives the one that stands. An
   * incomplete head covers no records (`next` is the first nonce), so that the relay waits for the final one.
   */
  begin(log: NewLog): Promise<Head>
  /**
   * Adds records, of any processes, with everything by which they are found and refused a second time. What is there already must be
   * the same: otherwise fails with `already-scheduled`, naming the place, and nothing is written over it; what was to be
   * added with it may be there. Of equal item ids or deep hashes in a process the lowest nonce keeps the row, whatever the order
   * in which they come. Assignments may be of any size; an item that a record carries itself is as small as a posted one's.
   */
  add(records: readonly ImportedRecord[]): Promise<void>
  /**
   * Of each of these records whether it is there, the same, with everything by which it is found and refused a second time: what `add`
   * would have nothing to do for. Reads only. Fails with `already-scheduled` where something else is there, as `add` does.
   */
  held(records: readonly ImportedRecord[]): Promise<boolean[]>
  /** The place that a deep hash has in a process: what tells whether an assigned transaction has one (base-layer ones do not). */
  deepHash(process: string, hash: string): Promise<Place | undefined>
  /**
   * Writes a head over an `incomplete` or `frozen` one, if that is still `from`; true also where `to` stands already. False
   * where another one stands: somebody else is at work.
   */
  finish(from: Head, to: Head): Promise<boolean>
}
