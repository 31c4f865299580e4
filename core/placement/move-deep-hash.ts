/** The deep hash by which a record that moves is known again (contract, "Deep hash"): its log keeps it under itself only. */
import type { DataItem } from '../ans104/data-item.ts'
import { firstValue } from '../ans104/tags.ts'
import { hasCode } from '../errors.ts'
import type { LogRecord } from '../log/record.ts'
import type { Gateway } from '../ports/gateway.ts'
import type { LogImport } from '../ports/log-import.ts'
import { createTransactionHasher, messageDeepHash } from '../protocol/message-deep-hash.ts'

export interface DeepHashDeps {
  /** The log that the record is in. */
  imports: Pick<LogImport, 'deepHash'>
  gateway: Pick<Gateway, 'transaction' | 'data'>
}

/** `unknown`: whether it has one, and which, cannot be told, for this reason. */
export type FoundDeepHash = { hash: string | undefined } | { unknown: string }

/** Fails with `unavailable` while the gateway or the log does not answer. */
export async function deepHashOf(
  deps: DeepHashDeps,
  { kind, process, id }: Pick<LogRecord, 'kind' | 'process' | 'id'>,
  item: DataItem | undefined,
): Promise<FoundDeepHash> {
  if (kind === 'transaction') return transactionHash(deps, process, id)
  if (kind === 'process' || !item) return { hash: undefined }
  // Users may say the same thing twice: only what a process pushed has one.
  const pushed = firstValue(item, 'From-Process') !== undefined
  return { hash: pushed ? messageDeepHash(item) : undefined }
}

/** A record does not say whether its transaction was assigned as base-layer. The log that has its hash says that it was not. */
async function transactionHash(
  { imports, gateway }: DeepHashDeps,
  process: string,
  id: string,
): Promise<FoundDeepHash> {
  const found = await gatewayHash(gateway, id)
  if ('unknown' in found || found.hash === undefined) return found
  return { hash: (await imports.deepHash(process, found.hash)) && found.hash }
}

/** The hash of a transaction as the gateway has it. Fails with `unavailable`. */
export async function gatewayHash(gateway: DeepHashDeps['gateway'], id: string): Promise<FoundDeepHash> {
  try {
    const transaction = await gateway.transaction(id)
    if (!transaction) return { unknown: 'the gateway does not know it' }
    const hasher = createTransactionHasher(transaction)
    if ((await gateway.data(id, hasher.update)) === undefined) return { unknown: 'the gateway has no data of it' }
    return { hash: hasher.digest() }
  } catch (error) {
    if (hasCode(error, 'message-too-large') || hasCode(error, 'unreadable')) return { unknown: error.message }
    throw error
  }
}
