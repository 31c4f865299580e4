/**
 * What each table of a log holds by itself, and the changes that no commit makes: adapter of `core/ports/log-restore.ts`. Tables are
 * read whole, several parts at once: that costs a quarter of a dollar a million messages of 2 KB.
 */
import {
  BatchWriteItemCommand,
  DeleteItemCommand,
  PutItemCommand,
  ScanCommand,
  type ScanCommandInput,
} from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import pMap from 'p-map'
import pRetry from 'p-retry'
import type { LogRestore, NamedNonce, Nonce } from '../../core/ports/log-restore.ts'
import { batchGet } from './batch-get.ts'
import type { DynamoDb } from './client.ts'
import { writeOnCondition } from './conditional-write.ts'
import { completeRows } from './continuation.ts'
import { reading } from './failures.ts'
import { stands, whileStill } from './head-condition.ts'
import { type Attributes, fromHeadRow, headKey, toHeadRow } from './head-row.ts'
import { assignmentKey, namedNonce } from './id-row.ts'
import { readRecordKey, recordKey, recordRows } from './record-row.ts'

/** Parts of a table that are read at once. */
const SEGMENTS = 4
const ROWS_A_DELETE = 25
const DELETES_AT_ONCE = 8

/** @param owner public key of the log's wallet, 512 bytes */
export function createLogRestore(db: DynamoDb, owner: Buffer): LogRestore {
  const { client, tables } = db
  const rows = recordRows(owner)

  /** Pages of a table, in no order, consistently: what was just written is seen. */
  async function* scan(input: ScanCommandInput): AsyncGenerator<Attributes[]> {
    interface Part {
      segment: number
      start?: Attributes
    }
    let parts: Part[] = Array.from({ length: SEGMENTS }, (_, segment) => ({ segment }))
    while (parts.length > 0) {
      const pages = await reading(() =>
        Promise.all(
          parts.map(async ({ segment, start }) => {
            const { Items = [], LastEvaluatedKey } = await client.send(
              new ScanCommand({
                ...input,
                Segment: segment,
                TotalSegments: SEGMENTS,
                ConsistentRead: true,
                ...(start && { ExclusiveStartKey: start }),
              }),
            )
            return { items: Items, next: LastEvaluatedKey && { segment, start: LastEvaluatedKey } }
          }),
        ),
      )
      for (const { items } of pages) yield items
      parts = pages.flatMap(({ next }) => next ?? [])
    }
  }

  async function* nonces<T extends Nonce>(
    input: ScanCommandInput,
    toNonce: (row: Attributes) => T | undefined,
  ): AsyncGenerator<T[]> {
    for await (const page of scan(input)) yield page.flatMap((row) => toNonce(row) ?? [])
  }

  const ids: ScanCommandInput = {
    TableName: tables.ids,
    ProjectionExpression: '#id, #at, #nonce',
    ExpressionAttributeNames: { '#id': 'id', '#at': 'at', '#nonce': 'nonce' },
  }

  async function remove(keys: readonly Attributes[]): Promise<void> {
    let left = keys.map((Key) => ({ DeleteRequest: { Key } }))
    await pRetry(
      async () => {
        const { UnprocessedItems } = await client.send(
          new BatchWriteItemCommand({ RequestItems: { [tables.ids]: left } }),
        )
        left = (UnprocessedItems?.[tables.ids] ?? []).flatMap(({ DeleteRequest }) =>
          DeleteRequest?.Key ? [{ DeleteRequest: { Key: DeleteRequest.Key } }] : [],
        )
        if (left.length > 0) throw new Error('rows were left unprocessed')
      },
      { retries: 8, minTimeout: 20, maxTimeout: 2_000, randomize: true },
    )
  }

  return {
    async *heads() {
      const heads = scan({
        TableName: tables.heads,
        FilterExpression: '#row = :head',
        ExpressionAttributeNames: { '#row': 'row' },
        ExpressionAttributeValues: { ':head': { S: 'head' } },
      })
      for await (const page of heads) yield page.map(fromHeadRow)
    },

    records: () =>
      nonces({ TableName: tables.records, ProjectionExpression: 'pk' }, (row) => readRecordKey(row.pk?.S ?? '')),

    ids: () => nonces<NamedNonce>(ids, namedNonce),

    recordsAt: (process, wanted) =>
      reading(async () => {
        const byKey = new Map(wanted.map((nonce) => [recordKey(process, nonce), nonce]))
        const keys = [...byKey.keys()].map((pk) => marshall({ pk }))
        const found = await batchGet(db, tables.records, keys, { consistent: true })
        const whole = await completeRows(db, found, { consistent: true })
        return whole
          .flatMap((row) => {
            const nonce = byKey.get(row.pk?.S ?? '')
            return nonce === undefined ? [] : [rows.fromRow(row, process, nonce)]
          })
          .sort((a, b) => a.nonce - b.nonce)
      }),

    notFound: (process, assignments) =>
      reading(async () => {
        const keys = [...new Set(assignments)].map((id) => assignmentKey(process, id))
        const found = await batchGet(db, tables.ids, keys, { consistent: true })
        const there = new Set(found.map((row) => row.id?.S))
        return new Set(assignments.filter((id) => !there.has(id)))
      }),

    async replaceHead(from, to) {
      const command = new PutItemCommand({
        TableName: tables.heads,
        Item: toHeadRow(to),
        ...(from ? whileStill(from) : { ConditionExpression: 'attribute_not_exists(process)' }),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      })
      const { written, row } = await writeOnCondition((options) => client.send(command, options))
      return written || stands(to, row)
    },

    async removeHead(head) {
      const command = new DeleteItemCommand({
        TableName: tables.heads,
        Key: headKey(head.process),
        ...whileStill(head),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      })
      const { written, row } = await writeOnCondition((options) => client.send(command, options))
      return written || row === undefined
    },

    async forgetIds(lost) {
      for await (const page of scan(ids)) {
        const keys = page.filter((row) => {
          const named = namedNonce(row)
          const from = named && lost.get(named.process)
          return from !== undefined && named !== undefined && named.nonce >= from
        })
        const batches = Array.from({ length: Math.ceil(keys.length / ROWS_A_DELETE) }, (_, index) =>
          keys.slice(index * ROWS_A_DELETE, (index + 1) * ROWS_A_DELETE).map((row) => {
            const { id, at } = unmarshall(row)
            return marshall({ id, at })
          }),
        )
        await reading(() => pMap(batches, remove, { concurrency: DELETES_AT_ONCE }))
      }
    },
  }
}
