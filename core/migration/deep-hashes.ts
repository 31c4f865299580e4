/**
 * The deep hash by which a record that is brought in is known again (contract, "Deep hash"). The other unit keeps none in its tables, and makes
 * them again when they are missing: of transactions of the base layer, which its gateway has a status of, it makes none.
 */
import { LRUCache } from 'lru-cache'
import { firstValue, tagValue } from '../ans104/tags.ts'
import { type FoundDeepHash, gatewayHash } from '../placement/move-deep-hash.ts'
import { messageDeepHash } from '../protocol/message-deep-hash.ts'
import type { MigrationDeps } from './deps.ts'
import type { StoredRecord } from './stored-bundle.ts'

const REMEMBERED = 10_000

/** Fails with `unavailable` while the gateway does not answer. */
export type DeepHashes = (stored: StoredRecord) => Promise<FoundDeepHash>

/** Asks for each transaction once, as long as it remembers it. */
export function createDeepHashes(gateway: MigrationDeps['gateway']): DeepHashes {
  const known = new LRUCache<string, FoundDeepHash>({ max: REMEMBERED })
  return async ({ kind, id, item }) => {
    if (kind === 'transaction') {
      const found = known.get(id) ?? (await transactionHash(gateway, id))
      known.set(id, found)
      return found
    }
    // Users may say the same thing twice: only what a process pushed has one.
    const pushed = kind === 'message' && item && firstValue(item, 'From-Process') !== undefined
    return { hash: pushed ? messageDeepHash(item) : undefined }
  }
}

/** A record does not say whether its transaction was assigned as base-layer. What says that it is of ao has one in any case. */
async function transactionHash(gateway: MigrationDeps['gateway'], id: string): Promise<FoundDeepHash> {
  const transaction = await gateway.transaction(id)
  if (transaction && tagValue(transaction.tags, 'Data-Protocol') !== 'ao') {
    if ((await gateway.confirmations(id)) !== undefined) return { hash: undefined }
  }
  return gatewayHash(gateway, id)
}
