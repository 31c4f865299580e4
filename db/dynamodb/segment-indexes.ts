/** Indexes of segments in the records table, a row a block: adapter of `SegmentIndexes` (core/ports/segment-store.ts). */
import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import type { SegmentIndexes } from '../../core/ports/segment-store.ts'
import { batchGet } from './batch-get.ts'
import type { DynamoDb } from './client.ts'
import { reading } from './failures.ts'

/** Unlike a record's key it has no slash. */
export const segmentIndexKey = (process: string, block: number): string => `${process}#segments#${block}`

export function createSegmentIndexes(db: DynamoDb<'records'>): SegmentIndexes {
  const { client, tables } = db
  return {
    get: (process, blocks) =>
      reading(async () => {
        const keys = blocks.map((block) => segmentIndexKey(process, block))
        const asked = [...new Set(keys)].map((pk) => ({ pk: { S: pk } }))
        const found = new Map<string, Buffer>()
        for (const { pk, index } of await batchGet(db, tables.records, asked, { consistent: false })) {
          if (pk?.S !== undefined && index?.B) found.set(pk.S, Buffer.from(index.B))
        }
        return keys.map((key) => found.get(key))
      }),

    put: (process, block, index) =>
      reading(async () => {
        const Item = { pk: { S: segmentIndexKey(process, block) }, index: { B: index } }
        await client.send(new PutItemCommand({ TableName: tables.records, Item }))
      }),

    remove: (process, block) =>
      reading(async () => {
        const Key = { pk: { S: segmentIndexKey(process, block) } }
        await client.send(new DeleteItemCommand({ TableName: tables.records, Key }))
      }),
  }
}
