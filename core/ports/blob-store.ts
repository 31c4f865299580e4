/** Where item bodies are kept that are too large for a record of the log. */

/**
 * Names a blob for good. The digest is part of the name because an item's id alone does not fix its bytes: for a
 * recoverable signature (Ethereum) anybody can make another item, with another owner, of the same signature, so of the
 * same id. Were blobs named by id alone, such an item could overwrite one that is scheduled.
 */
export interface BlobRef {
  /** The data item's id. */
  id: string
  /** SHA-256 of the raw item, 32 bytes. */
  sha256: Buffer
  /** Length of the raw item, bytes. */
  bytes: number
}

export interface BlobStore {
  /** Keeps the bytes durably before it returns. Idempotent. Fails with `unavailable`. */
  put(ref: BlobRef, raw: Buffer): Promise<void>
  /** The bytes, verified against the ref. Fails with `unavailable`, also when they are missing or altered. */
  get(ref: BlobRef): Promise<Buffer>
  /** Fails with `unavailable` where the store cannot be reached. */
  check(): Promise<void>
}
