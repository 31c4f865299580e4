/** Where accepted items go: the bundler, which brings them to Arweave, and the cache, best effort. */

export type UploadOutcome =
  /** 200, 201, 202, or that it has the item already. */
  | { kind: 'taken' }
  /** The answer is about the item itself (400, 422): no repetition will help. */
  | { kind: 'refused'; reason: string }
  /** Everything else is the bundler's trouble (no credit, wrong key, too many requests, not found, a fault): keep trying. */
  | { kind: 'trouble'; reason: string; retryAfterMs?: number }

export interface Bundler {
  /** One attempt to hand over a raw data item. Does not throw. */
  upload(id: string, raw: Buffer): Promise<UploadOutcome>
}

export interface Cache {
  /** One attempt, best effort. True when taken. Does not throw. */
  offer(id: string, raw: Buffer): Promise<boolean>
}
