/** The reading half of the log's store. Records never change, so they are read cheaply first and consistently if missing. */
import { setTimeout as sleep } from 'node:timers/promises'
import { GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb'
import { marshall } from '@aws-sdk/util-dynamodb'
import { SchedulerError } from '../../core/errors.ts'
import { type LogStore, MAX_FINDINGS } from '../../core/ports/log-store.ts'
import { numberAt } from './attributes.ts'
import { type BatchGetOptions, batchGet } from './batch-get.ts'
import type { DynamoDb } from './client.ts'
import { completeRows, continuedOf, MAX_CONTINUED_BYTES } from './continuation.ts'
import { reading } from './failures.ts'
import { type Attributes, fromHeadRow, headKey } from './head-row.ts'
import { itemKey, toFinding } from './id-row.ts'
import { type RecordRows, recordKey } from './record-row.ts'

export type LogReader = Pick<LogStore, 'head' | 'records' | 'timeKeys' | 'find' | 'findItem'>

/**
 * Pauses before each further look for a record that a visible head covers, ms. The rows of one transaction may be seen one
 * after the other, also by consistent reads, so a record that is missing at first is there a moment later.
 */
const LOOK_AGAIN_MS = [0, 5, 10, 20]

export function createLogReader(db: DynamoDb, rows: RecordRows): LogReader {
  const { client, tables } = db

  /** Rows of these nonces by their keys; every one, or `unavailable`: a page never has a hole. */
  async function rowsOf(process: string, nonces: readonly number[], options: Omit<BatchGetOptions, 'consistent'> = {}) {
    const found = new Map<string, Attributes>()
    const fetch = async (keys: readonly string[], consistent: boolean) => {
      const asked = keys.map((pk) => ({ pk: { S: pk } }))
      for (const row of await batchGet(db, tables.records, asked, { ...options, consistent })) {
        if (row.pk?.S !== undefined) found.set(row.pk.S, row)
      }
    }
    const keys = nonces.map((nonce) => recordKey(process, nonce))
    await fetch(keys, false)
    for (const pause of LOOK_AGAIN_MS) {
      const missing = keys.filter((key) => !found.has(key))
      if (missing.length === 0) break
      if (pause > 0) await sleep(pause)
      await fetch(missing, true)
    }
    return (nonce: number): Attributes => {
      const row = found.get(recordKey(process, nonce))
      if (row) return row
      throw new SchedulerError(
        'unavailable',
        `Log: nonce ${nonce} of process ${process} is missing. Ask again in a few seconds.`,
        { retryAfter: 5 },
      )
    }
  }

  return {
    head: (process) =>
      reading(async () => {
        const { Item } = await client.send(
          new GetItemCommand({ TableName: tables.heads, Key: headKey(process), ConsistentRead: true }),
        )
        return Item && fromHeadRow(Item)
      }),

    records: (process, from, to) =>
      reading(async () => {
        const nonces = Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i)
        const found = nonces.map(await rowsOf(process, nonces))
        const whole = await completeRows(db, found.slice(0, countThatFits(found)), { consistent: false })
        return whole.map((row, index) => rows.fromRow(row, process, from + index))
      }),

    timeKeys: (process, nonces) =>
      reading(async () => {
        const projection = { expression: 'pk, #time, #key', names: { '#time': 'time', '#key': 'key' } }
        const row = await rowsOf(process, [...new Set(nonces)], { projection })
        return nonces.map((nonce) => {
          const found = row(nonce)
          const key = numberAt(found, 'key') ?? numberAt(found, 'time')
          if (key === undefined) throw new Error(`the row of nonce ${nonce} is no record`)
          return key
        })
      }),

    findItem: (process, item) =>
      reading(async () => {
        const { Item } = await client.send(
          new GetItemCommand({ TableName: tables.ids, Key: marshall(itemKey(process, item)), ConsistentRead: true }),
        )
        return Item && toFinding(Item)
      }),

    find: (id) =>
      reading(async () => {
        // 500 rows of at most 320 bytes: far below the megabyte at which a page of a query ends. Downwards, `posted#` comes
        // before `assignment#` before `assigned#`.
        const { Items = [] } = await client.send(
          new QueryCommand({
            TableName: tables.ids,
            KeyConditionExpression: 'id = :id',
            ExpressionAttributeValues: { ':id': { S: id } },
            ConsistentRead: true,
            ScanIndexForward: false,
            Limit: MAX_FINDINGS,
          }),
        )
        const findings = Items.flatMap((item) => toFinding(item) ?? [])
        return findings.sort((a, b) => a.place.timestamp - b.place.timestamp)
      }),
  }
}

/** The first rows of an answer, as many as are not too large together. */
function countThatFits(rows: readonly Attributes[]): number {
  let bytes = 0
  for (const [index, row] of rows.entries()) {
    bytes += continuedOf(row)?.bytes ?? 0
    if (bytes > MAX_CONTINUED_BYTES) return Math.max(1, index)
  }
  return rows.length
}
