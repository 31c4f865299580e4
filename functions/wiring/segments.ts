/** Segments from configuration: their stores, and what a unit that serves pages does with them. */
import type { BlobStore } from '../../core/ports/blob-store.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { LogStore } from '../../core/ports/log-store.ts'
import type { SegmentObjects, SegmentReader } from '../../core/ports/segment-store.ts'
import type { RelayLog } from '../../core/relay/deps.ts'
import type { SegmentStores } from '../../core/segments/build.ts'
import { createSegmentBuilder } from '../../core/segments/builder.ts'
import { createSegmentReader } from '../../core/segments/reader.ts'
import { createSegmentRepair, type SegmentRepair } from '../../core/segments/repair.ts'
import type { DynamoDb } from '../../db/dynamodb/client.ts'
import { createSegmentIndexes } from '../../db/dynamodb/segment-indexes.ts'

export const openSegmentStores = (db: DynamoDb<'records'>, objects: SegmentObjects): SegmentStores => ({
  objects,
  indexes: createSegmentIndexes(db),
})

export interface SegmentParts {
  stores: SegmentStores
  log: LogStore
  blobs: BlobStore
  clock: Clock
  logger: RelayLog
}

/** Call `damage.settle()` when an answer has gone out: a Lambda has no background. */
export function createSegmentParts({ stores, log, blobs, clock, logger }: SegmentParts): {
  segments: SegmentReader
  damage: SegmentRepair
} {
  const builder = createSegmentBuilder({ ...stores, records: log, blobs, clock })
  const damage = createSegmentRepair({ builder, heads: log, clock, log: logger })
  return { segments: createSegmentReader({ ...stores, damage, clock }), damage }
}
