/**
 * The log's store: conditional writes and consistent reads over heads and records. It decides nothing; what to write and
 * what to do when a condition fails is `core/log/sequencer.ts`'s.
 */
import type { Place } from '../errors.ts'
import type { Head, HeadState, LogRecord, StoredItem } from '../log/record.ts'

/** One message or assigned transaction with its place, signed: what a commit adds to the log. */
export interface Link {
  kind: 'message' | 'transaction'
  /** The item's or transaction's id. No commit holds two links of the same kind and id. */
  id: string
  nonce: number
  timestamp: number
  blockHeight: number
  /** Raw assignment. */
  assignment: Buffer
  /** The assignment's id, 43 characters. */
  assignmentId: string
  /** Chain value of this assignment, 32 bytes. */
  hashChain: Buffer
  item?: StoredItem
  /** Deep hash to be kept; with `claimed` the commit is refused if this process has it already. */
  deepHash?: { hash: string; claimed: boolean }
  /** The offer by which it came, kept with the item's id, so that whoever waits for it knows his own success. */
  offer?: string
  /** Whoever waits for it is to commit for the others from now on. */
  baton?: boolean
}

/** Moves a head over one or more links, all or nothing. */
export interface Commit {
  /** The head that the links were chained to; the commit happens only if it is still this one and open. */
  from: Head
  to: Head
  links: readonly Link[]
  /** At most 36 characters. The same commit repeated with the same token happens at most once. */
  token: string
}

export type CommitOutcome =
  | { kind: 'committed' }
  /** The head is not the one that was read, or not open. `head` where the store told it. */
  | { kind: 'head-moved'; head?: Head }
  /** Some links are refused because of what the log holds already; nothing was written. Indices into `links`. */
  | { kind: 'refused'; refusals: Map<number, { reason: 'scheduled' | 'deep-hash'; place: Place }>; head?: Head }
  /** Another transaction on the same rows is under way, or too many are: nothing was written. */
  | { kind: 'busy' }
  /** No answer: it may have happened, or may still happen. */
  | { kind: 'unanswered'; cause: unknown }

/** A process to be begun: its head and its first record, all or nothing. */
export interface Spawn {
  head: Head
  record: LogRecord
  /** Chain value of the process's own assignment. */
  hashChain?: Buffer
  assignmentId?: string
  token: string
}

export type SpawnOutcome =
  | { kind: 'committed' }
  | { kind: 'exists'; head?: Head }
  | { kind: 'busy' }
  | { kind: 'unanswered'; cause: unknown }

/** Where an id stands in the log. */
export interface Finding {
  process: string
  kind: 'posted' | 'assigned' | 'assignment'
  place: Place
  /** The offer by which it came, if it came by one, and whether its instance is to commit for the others. */
  offer?: string
  baton?: boolean
}

/** Size of rows, for a caller that packs several links into a commit. */
export interface CommitLimits {
  rows: number
  bytes: number
}

export interface LogStore {
  readonly limits: CommitLimits
  /** Rows and bytes (upper bound) that a link takes in a commit. */
  cost(link: Pick<Link, 'item' | 'deepHash'>): { rows: number; bytes: number }

  /** The head as it is now (a consistent read). Undefined: no such process. Fails with `unavailable`. */
  head(process: string): Promise<Head | undefined>
  /** Never throws for what the store answers or fails to answer; that is the outcome. */
  commit(commit: Commit): Promise<CommitOutcome>
  spawn(spawn: Spawn): Promise<SpawnOutcome>

  /**
   * Records from `from` on, in order, up to `to` (nonces, both inclusive), each of which must exist: the caller has read a head
   * that says so. All of them, or, where assignments are large, the first ones, at least one, so that memory stays flat: the
   * caller then asks on. Fails with `unavailable`, also when one is missing: never a hole.
   */
  records(process: string, from: number, to: number): Promise<LogRecord[]>
  /** Time keys of those nonces, which must exist, in the order asked. */
  timeKeys(process: string, nonces: readonly number[]): Promise<number[]>
  /** All places of an id, oldest first (a consistent read). */
  find(id: string): Promise<Finding[]>

  /** Sets a head's state if it is `expected`; false if it was another. Not subject to what the state forbids. */
  setState(process: string, expected: HeadState, state: HeadState): Promise<boolean>
}
