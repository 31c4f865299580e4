/** What a request wants scheduled, made ready before the critical section: nothing in here waits for anything any more. */
import type { StoredItem } from './record.ts'

export interface Entry {
  process: string
  kind: 'message' | 'transaction'
  /** The message's id, or that of the transaction to be assigned. */
  id: string
  /** The message, its body in the blob store already where it does not fit a record. */
  item?: StoredItem
  /** Contract, "Deep hash". Kept with the record; with `claimed` a second one in the process is refused. */
  deepHash?: { hash: string; claimed: boolean }
  /** Values of the assignment's `Exclude` tags. */
  exclude: readonly string[]
}

/** Two entries with a key in common cannot be in one commit: the second waits for what becomes of the first. */
export function entryKeys(entry: Entry): string[] {
  const own = `${entry.kind}:${entry.id}`
  return entry.deepHash ? [own, `deep-hash:${entry.deepHash.hash}`] : [own]
}
