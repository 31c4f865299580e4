/** What the log holds: for each process a head and one record per nonce. */
import type { BlobRef } from '../ports/blob-store.ts'

/**
 * `open`: takes messages. `frozen`: reads go on, writes do not (a move, a restore). `incomplete`: still being migrated,
 * neither.
 */
export type HeadState = 'open' | 'frozen' | 'incomplete'

/** That an instance leads a process at the moment. It keeps no other instance out: the condition of each commit does. */
export interface Lease {
  /** The leader's name, or the submission whose instance is its successor. */
  by: string
  /** By the leader's clock, ms since the epoch; past it the others need not wait. 0: it was given up. */
  until: number
  /** How long submissions wait for their places at the moment, ms. */
  wait: number
}

/** The end of a process's log: all that the next assignment depends on. */
export interface Head {
  process: string
  state: HeadState
  /** The nonce that the next assignment gets. 0 for a process without an assignment that has no messages. */
  next: number
  /** Chain value of the last assignment, 32 bytes; none when nothing is assigned yet. */
  hashChain?: Buffer
  /** Id of the last assignment, 32 bytes; none when nothing is assigned yet. */
  lastAssignment?: Buffer
  /**
   * Timestamp of the last assignment, ms; without one, when the process was accepted. Never falls: it is the last record's
   * time key, also where a migrated history's own timestamps fall.
   */
  timestamp: number
  /** Block height of the last assignment; never falls. */
  blockHeight: number
  epoch: number
  /** Nonce of the record that holds the process itself: 0, or -1 where the process has no assignment. */
  firstNonce: 0 | -1
  /** The process's `Settlement-Depth` tag, parsed: confirmations that a base-layer transaction needs. */
  settlementDepth: number
  /** Of a head that was ever frozen to be moved: the version of the process's placement for which it opens (`LogFence`). */
  awaits?: number
  /** Who leads the process, where it is contended. Nothing of the log depends on it. */
  lease?: Lease
}

/** An item as the log keeps it: in the record, or in the blob store. */
export type StoredItem =
  | { id: string; raw: Buffer }
  | {
      id: string
      blob: BlobRef
      /** Bytes of the item as rendered in a page: where a page ends must be known without fetching the blob. */
      renderedBytes: number
    }

/** One nonce of a process. */
export interface LogRecord {
  process: string
  /** -1: the record of a process that has no assignment. */
  nonce: number
  kind: 'process' | 'message' | 'transaction'
  /** Raw ANS-104 item that the unit signed; undefined at nonce -1. */
  assignment?: Buffer
  /** The process or message; undefined where a transaction was assigned. */
  item?: StoredItem
  /** Id of the item or of the assigned transaction. */
  id: string
  /** The assignment's timestamp, ms; at nonce -1, when the process was accepted. */
  timestamp: number
  /**
   * The greatest timestamp up to this record: what `from`, `to` and `cursor` go by. Equal to `timestamp`, except in
   * migrated histories where timestamps fall.
   */
  timeKey: number
  blockHeight: number
}
