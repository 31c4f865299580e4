/** Segments from configuration: their stores, and how a unit that serves pages reads and repairs them. */
import type { BlobStore } from '../../core/ports/blob-store.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { LogStore } from '../../core/ports/log-store.ts'
import type { SegmentObjects, SegmentReader } from '../../core/ports/segment-store.ts'
import type { RelayLog } from '../../core/relay/deps.ts'
import type { SegmentStores } from '../../core/segments/build.ts'
import type { SegmentBuilder } from '../../core/segments/builder.ts'
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

/** Call `damage.settle()` after the answer: a Lambda runs nothing in the background. */
export function createSegmentParts({ stores, log, blobs, clock, logger }: SegmentParts): {
  segments: SegmentReader
  damage: SegmentRepair
} {
  let builder: Promise<SegmentBuilder> | undefined
  // A unit packs only blocks that it finds damaged. Packing and its audit would slow each cold start.
  const lazyBuilder: SegmentBuilder = {
    async build(...block) {
      builder ??= import('../../core/segments/builder.ts').then(({ createSegmentBuilder }) =>
        createSegmentBuilder({ ...stores, records: log, blobs, clock }),
      )
      return (await builder).build(...block)
    },
  }
  const damage = createSegmentRepair({ builder: lazyBuilder, heads: log, clock, log: logger })
  return { segments: createSegmentReader({ ...stores, damage, clock }), damage }
}
