/**
 * The log's store: conditional writes and consistent reads over heads and records. It decides nothing; what to write and
 * what to do when a condition fails is `core/log/sequencer.ts`'s.
 */
import type { Place } from '../errors.ts'
import type { Head, HeadState, LogRecord, StoredItem } from '../log/record.ts'

/** A message or an assigned transaction, as a process knows it: the same id may be posted and assigned. */
export interface ItemName {
  kind: 'message' | 'transaction'
  /** Id of the item or of the transaction. */
  id: string
}

/** One message or assigned transaction with its place, signed: what a commit adds to the log. No commit holds two of the same name. */
export interface Link extends ItemName {
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
  /** The submission by which it came, kept with the item's id, so that its instance knows its own success. */
  submission?: string
  /** Its instance is the next leader. */
  successor?: boolean
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

/** What the log holds of an item already. */
export type Standing =
  /** It has its place: by this submission if it came by one, whose instance may be the next leader. */
  | { kind: 'scheduled'; place: Place; submission?: string; successor?: boolean }
  /** Its deep hash is there, of `owner`; without one the log was written before deep hashes named their items. */
  | { kind: 'deep-hash'; place: Place; owner?: ItemName }

export type CommitOutcome =
  | { kind: 'committed' }
  /** The head is not the one that was read, or not open. `head` where the store told it. */
  | { kind: 'head-moved'; head?: Head }
  /** Some links are refused because of what the log holds already; nothing was written. Indices into `links`. */
  | { kind: 'refused'; refusals: Map<number, Standing>; head?: Head }
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
  /** The submission by which it came, if it came by one, and whether its instance is the next leader. */
  submission?: string
  successor?: boolean
}

/** Findings of one id at most. A message is signed for one process, so that only assigned transactions can have more. */
export const MAX_FINDINGS = 500

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
  /**
   * One attempt. A refusal, a conflict and a lost answer are outcomes. Throws what repeating does not help: a request that the
   * store rejects, missing permissions or tables (`unavailable`), tables that contradict each other.
   * @param signal cuts the attempt off, which is then `unanswered`
   */
  commit(commit: Commit, signal?: AbortSignal): Promise<CommitOutcome>
  /** The same for a process. */
  spawn(spawn: Spawn, signal?: AbortSignal): Promise<SpawnOutcome>

  /**
   * Records from `from` on, in order, up to `to` (nonces, both inclusive), each of which must exist: the caller has read a head
   * that says so. All of them, or, where assignments are large, the first ones, at least one, so that memory stays flat: the
   * caller then asks on. Fails with `unavailable`, also when one is missing: never a hole.
   */
  records(process: string, from: number, to: number): Promise<LogRecord[]>
  /** Time keys of those nonces, which must exist, in the order asked. */
  timeKeys(process: string, nonces: readonly number[]): Promise<number[]>
  /**
   * Places of an id, oldest first (a consistent read). Bounded, since anybody may assign one transaction in any number of
   * processes: at most `MAX_FINDINGS`, of which posted messages come first, then assignments. Of more, which transactions
   * are among them is not said.
   */
  find(id: string): Promise<Finding[]>
  /** The place of an item in one process (a consistent read of one row). */
  findItem(process: string, item: ItemName): Promise<Finding | undefined>

  /** Sets a head's state if it is `expected`; false if it was another. Not subject to what the state forbids. */
  setState(process: string, expected: HeadState, state: HeadState): Promise<boolean>
}
