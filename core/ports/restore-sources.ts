/**
 * What is kept outside a log's own tables of what it gave out, and may be newer than a backup of them: what was uploaded, segments,
 * metadata, bodies. None of them is believed: whoever restores verifies. All of it fails with `unavailable`.
 */
import type { Nonce } from './log-restore.ts'
import type { RecordMetadata } from './metadata-index.ts'

/** An assignment that a source knows of. */
export interface SignedNonce {
  nonce: number
  /** The raw item; undefined: the source has seen it, and cannot give its bytes. */
  raw?: Buffer
}

/** Where assignments may be found that the wallet signed: with one of these a nonce is given out for good. */
export interface SignedSource {
  /** Goes on after "by": "the uploads". */
  name: string
  /**
   * Nonces given out since the block of this height, some older ones perhaps too, in no order.
   * @param height 0: ever
   */
  since(height: number): AsyncIterable<readonly Nonce[]>
  /** What it has of these nonces of a process, in no order; several of one nonce are possible. */
  assignments(process: string, nonces: readonly number[]): Promise<SignedNonce[]>
}

/** Where items may be found by their ids. */
export interface BodySource {
  /** Raw items that are said to have this id; of most ids one or none. */
  bodies(id: string): Promise<Buffer[]>
}

/** What has been uploaded already. */
export interface UploadIndex {
  /** Those of these ids that are known there. */
  uploaded(ids: readonly string[]): Promise<ReadonlySet<string>>
}

/** What the metadata say of a nonce. No signature: that something was given out, not what. */
export type IndexedNonce = Pick<RecordMetadata, 'nonce' | 'kind' | 'id' | 'assignmentId' | 'timestamp' | 'blockHeight'>

export interface IndexedCount {
  /** Rows from `from` to below `next`. */
  rows: number
  /** The greatest nonce of the whole process; undefined: it has no row. */
  last?: number
  /** Whether the process is in the list of processes. */
  listed: boolean
}

export interface IndexedNonces {
  /** For each process that has metadata its greatest nonce, in no order. */
  ends(): AsyncIterable<readonly Nonce[]>
  /** Those from `from` to `to`, both inclusive, in order, as far as they are there. */
  between(process: string, from: number, to: number): Promise<IndexedNonce[]>
  /** For each of these ranges, in order, what there is; one question for all of them. */
  counts(ranges: readonly { process: string; from: number; next: number }[]): Promise<IndexedCount[]>
  /** Removes the metadata of this nonce and all above it. */
  forget(process: string, from: number): Promise<void>
}
