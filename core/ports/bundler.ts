/** Where accepted items go: the bundler, which brings them to Arweave, and the cache, best effort. */

export type UploadOutcome =
  /** A receipt that names the item, or that the bundler has it already. */
  | { kind: 'taken' }
  /** The answer is about the item itself (400, 422): no repetition will help. */
  | { kind: 'refused'; reason: string }
  /**
   * Everything else: keep trying. `away`: the bundler said nothing about this item (no answer, a fault, too many requests, a
   * page that is not its own), so it would not have taken another one either.
   */
  | { kind: 'trouble'; reason: string; away?: boolean; retryAfterMs?: number }

export interface Bundler {
  /** One attempt to hand over a raw data item. Does not throw. */
  upload(id: string, raw: Buffer): Promise<UploadOutcome>
}

export interface Cache {
  /** One attempt, best effort. True when taken. Does not throw. */
  offer(id: string, raw: Buffer): Promise<boolean>
}
