/** Where item bodies are kept that are too large for a record of the log. */

import { SchedulerError } from '../errors.ts'

/**
 * Names a blob for good. The digest is part of the name so that what a name stands for never depends on how well a signature
 * type binds its bytes: two bodies that came under one id would be two blobs, and neither replaces the other. It is also what
 * a body that comes back is checked against.
 */
export interface BlobRef {
  /** The data item's id. */
  id: string
  /** SHA-256 of the raw item, 32 bytes. */
  sha256: Buffer
  /** Length of the raw item, bytes. */
  bytes: number
}

/** The store answers, and does not have the bytes: asking again will not help. */
export class LostBlob extends SchedulerError {
  constructor({ id }: BlobRef, how: 'missing' | 'altered') {
    super('unavailable', `The blob of item ${id} is ${how}.`, { retryAfter: 60 })
  }
}

export interface BlobStore {
  /** Keeps the bytes durably before it returns. Idempotent. Fails with `unavailable`. */
  put(ref: BlobRef, raw: Buffer): Promise<void>
  /** The bytes, verified against the ref. Fails with `unavailable`; with LostBlob when they are missing or altered. */
  get(ref: BlobRef): Promise<Buffer>
  /** Fails with `unavailable` where the store cannot be reached. */
  check(): Promise<void>
}
