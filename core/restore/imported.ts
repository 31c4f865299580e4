/** A record of a restored log with all by which it is found and refused a second time. */
import type { DataItem } from '../ans104/data-item.ts'
import { readable } from '../audit/item-facts.ts'
import type { LogRecord } from '../log/record.ts'
import { deepHashOf, gatewayHash } from '../placement/move-deep-hash.ts'
import type { ImportedRecord } from '../ports/log-import.ts'
import { isDamage } from '../ports/log-inspection.ts'
import type { RestoreDeps } from './deps.ts'
import { findItem } from './proof.ts'

export interface WithDoubts {
  imported: ImportedRecord
  /** Sentences that go on after the nonce. */
  doubts: readonly string[]
}

/** A body that the blob store has lost is put there again, if anybody has it. Fails with `unavailable`. */
export async function importedRecord(deps: RestoreDeps, record: LogRecord): Promise<WithDoubts> {
  const assignment = record.assignment && readable(record.assignment)
  const { deepHash, doubts } = await (record.kind === 'transaction'
    ? transactionHash(deps, record, assignment?.id)
    : itemHash(deps, record))
  return {
    imported: {
      ...record,
      ...(assignment && { assignmentId: assignment.id }),
      ...(deepHash !== undefined && { deepHash }),
    },
    doubts,
  }
}

interface Hash {
  deepHash?: string | undefined
  doubts: string[]
}

async function itemHash(deps: RestoreDeps, record: LogRecord): Promise<Hash> {
  if (!record.item) return { doubts: [] }
  const item = await itemOf(deps, record.item)
  if (!item) return { doubts: [`has lost the body of its item ${record.id}`] }
  const found = await deepHashOf(deps, record, item)
  return { deepHash: 'hash' in found ? found.hash : undefined, doubts: [] }
}

async function itemOf(deps: RestoreDeps, item: NonNullable<LogRecord['item']>): Promise<DataItem | undefined> {
  if ('raw' in item) return readable(item.raw)
  const kept = await deps.kept.body(item.blob)
  if (!isDamage(kept)) return readable(kept)
  const found = await findItem(deps, item.id)
  if (typeof found !== 'object' || !found.ref.sha256.equals(item.blob.sha256)) return undefined
  await deps.blobs.put(item.blob, found.item.raw)
  return found.item
}

/**
 * A record does not say whether its transaction was assigned as base-layer, which has no deep hash. Where the log has lost what it
 * knew it by, it is taken for one that is not: that refuses too much rather than too little.
 */
async function transactionHash(
  { log, imports, gateway }: RestoreDeps,
  record: LogRecord,
  assignment: string | undefined,
): Promise<Hash> {
  const { id, process } = record
  const there = await log.findItem(process, { kind: 'transaction', id })
  const known = there !== undefined && there.place.assignment === assignment
  const found = known ? await deepHashOf({ imports, gateway }, record, undefined) : await gatewayHash(gateway, id)
  if ('hash' in found) return { deepHash: found.hash, doubts: [] }
  return { doubts: [`is the transaction ${id}, known by its id only: ${found.unknown}`] }
}
