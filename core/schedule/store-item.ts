/** Where an accepted item's bytes go: into its record, or before the commit into the blob store. */
import { createHash } from 'node:crypto'
import type { DataItem } from '../ans104/data-item.ts'
import type { StoredItem } from '../log/record.ts'
import { renderedItemBytes } from '../read/render.ts'
import type { Scheduler } from './scheduler.ts'

/** Items up to this length ride in the log's record: above it, S3 is cheaper than DynamoDB (docs/architecture.md, "Costs"). */
export const INLINE_BYTES = 4_096

/** Must be done before the critical section: a put takes tens of milliseconds. Fails with `unavailable`. */
export async function storeItem(
  item: DataItem,
  kind: 'process' | 'message',
  { blobs, rules }: Pick<Scheduler, 'blobs' | 'rules'>,
): Promise<StoredItem> {
  if (item.raw.length <= rules.inlineBytes) return { id: item.id, raw: item.raw }
  const blob = { id: item.id, sha256: createHash('sha256').update(item.raw).digest(), bytes: item.raw.length }
  await blobs.put(blob, item.raw)
  return { id: item.id, blob, renderedBytes: renderedItemBytes({ kind }, item) }
}
