/**
 * Brings processes into the log that were scheduled elsewhere: adapter of `core/ports/log-import.ts`. The rows are those of a
 * commit, written by themselves instead of in a transaction, for half the units: until a head covers a record nobody reads it.
 * Records go before the rows by which they are found, and what continues a record before the record.
 */
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { SchedulerError } from '../../core/errors.ts'
import { sameRecord } from '../../core/log/same-record.ts'
import { incompleteHead } from '../../core/log/state.ts'
import type { ImportedRecord, LogImport } from '../../core/ports/log-import.ts'
import { batchGet } from './batch-get.ts'
import type { DynamoDb } from './client.ts'
import { writeOnCondition } from './conditional-write.ts'
import { alteredParts, completeRow } from './continuation.ts'
import { reading } from './failures.ts'
import { stands, whileStill } from './head-condition.ts'
import { type Attributes, fromHeadRow, toHeadRow } from './head-row.ts'
import { deepHashKey, importedRows, toPlace } from './id-row.ts'
import { insertAll } from './insert.ts'
import { recordKey, recordRows } from './record-row.ts'

/** @param owner public key of the unit's wallet, 512 bytes */
export function createLogImport(db: DynamoDb, owner: Buffer): LogImport {
  const { client, tables } = db
  const rows = recordRows(owner)

  /** What is there under the key of each of these rows, if anything is. */
  async function standingAt(
    table: string,
    of: readonly Attributes[],
    keyOf: (row: Attributes) => Attributes,
  ): Promise<Standing> {
    const nameOf = (row: Attributes) => JSON.stringify(keyOf(row))
    // DynamoDB takes no key twice.
    const keys = new Map(of.map((row) => [nameOf(row), keyOf(row)]))
    const found = await batchGet(db, table, [...keys.values()], { consistent: true })
    const byName = new Map(found.map((row) => [nameOf(row), row]))
    return (row) => byName.get(nameOf(row))
  }

  /** The same where all of them must be there. */
  async function standingOf(
    table: string,
    of: readonly Attributes[],
    keyOf: (row: Attributes) => Attributes,
  ): Promise<{ row: Attributes; standing: Attributes }[]> {
    const standingFor = await standingAt(table, of, keyOf)
    return of.map((row) => {
      const standing = standingFor(row)
      // Nothing of the log is ever deleted.
      if (!standing) throw new Error(`a row of ${table} that was there is gone`)
      return { row, standing }
    })
  }

  async function mustBeSame(standing: Attributes, record: ImportedRecord): Promise<void> {
    const whole = await completeRow(db, standing, { consistent: true })
    const there = rows.fromRow(whole, record.process, record.nonce)
    if (sameRecord(there, record)) return
    throw occupied(record.process, there.id, { nonce: there.nonce, timestamp: there.timestamp })
  }

  async function addRecords(records: readonly ImportedRecord[]): Promise<void> {
    const byKey = new Map<string, ImportedRecord>()
    const ready = records.map((record) => {
      byKey.set(recordKey(record.process, record.nonce), record)
      return rows.toRows(record)
    })
    if (byKey.size < records.length) throw new Error('a nonce is to be added twice at once')
    await addContinuations(ready.flatMap(({ continuation }) => continuation))
    const inserts = ready.map(({ row }) => row)
    const refused = await insertAll(db, tables.records, inserts)
    for (const { row, standing } of await standingOf(tables.records, refused, recordKeyOf)) {
      const record = byKey.get(row.pk?.S ?? '')
      if (!record) throw new Error('a row that was not asked for')
      await mustBeSame(standing, record)
    }
  }

  async function addContinuations(continuations: readonly Attributes[]): Promise<void> {
    const there = await insertAll(db, tables.records, continuations)
    const [altered] = await alteredParts(db, there)
    // Its key says which bytes it has: no other attempt can have written others.
    if (altered) throw new Error(`the row ${altered.pk?.S} is damaged`)
  }

  async function addIds(records: readonly ImportedRecord[]): Promise<void> {
    const lowest = new Map<string, Attributes>()
    for (const row of records.flatMap(idRowsOf)) {
      const name = JSON.stringify(idKeyOf(row))
      const known = lowest.get(name)
      if (!known || nonceOf(row) < nonceOf(known)) lowest.set(name, row)
    }
    const refused = await insertAll(db, tables.ids, [...lowest.values()])
    for (const { row, standing } of await standingOf(tables.ids, refused, idKeyOf)) {
      if (mayStand(row, standing)) continue
      await replace(row)
    }
  }

  /** A row that has come after one of a greater nonce takes its place. */
  async function replace(row: Attributes): Promise<void> {
    const command = new PutItemCommand({
      TableName: tables.ids,
      Item: row,
      ConditionExpression: 'nonce > :nonce',
      ExpressionAttributeValues: { ':nonce': { N: String(nonceOf(row)) } },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    })
    const outcome = await writeOnCondition((options) => client.send(command, options))
    // Another writer was faster, or an earlier attempt of this one.
    if (!outcome.written && !(outcome.row && mayStand(row, outcome.row))) {
      throw new Error(`the row ${row.at?.S} of ${row.id?.S} is gone`)
    }
  }

  return {
    async begin(log) {
      const head = incompleteHead(log)
      const { row } = await writeOnCondition((options) =>
        client.send(
          new PutItemCommand({
            TableName: tables.heads,
            Item: toHeadRow(head),
            ConditionExpression: 'attribute_not_exists(process)',
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
          options,
        ),
      )
      return row ? fromHeadRow(row) : head
    },

    add: (records) =>
      reading(async () => {
        await addRecords(records)
        await addIds(records)
      }),

    held: (records) =>
      reading(async () => {
        const ids = records.map(idRowsOf)
        const [recordAt, idAt] = await Promise.all([
          standingAt(tables.records, records.map(recordKeyFor), recordKeyOf),
          standingAt(tables.ids, ids.flat(), idKeyOf),
        ])
        const recorded: boolean[] = []
        for (const record of records) {
          const standing = recordAt(recordKeyFor(record))
          if (standing) await mustBeSame(standing, record)
          recorded.push(standing !== undefined)
        }
        return ids.map((rowsOfOne, index) => {
          const found = rowsOfOne.map((row) => {
            const standing = idAt(row)
            return standing !== undefined && mayStand(row, standing)
          })
          return recorded[index] === true && found.every(Boolean)
        })
      }),

    deepHash: (process, hash) =>
      reading(async () => {
        const { Item } = await client.send(
          new GetItemCommand({ TableName: tables.ids, Key: deepHashKey(process, hash), ConsistentRead: true }),
        )
        return Item && toPlace(Item)
      }),

    async finish(from, to) {
      if (from.state === 'open') throw new Error('an open head is moved by commits')
      const command = new PutItemCommand({
        TableName: tables.heads,
        Item: toHeadRow(to),
        ...whileStill(from),
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      })
      const { written, row } = await writeOnCondition((options) => client.send(command, options))
      return written || stands(to, row)
    },
  }
}

type Standing = (row: Attributes) => Attributes | undefined

/** A process without an assignment is found by its head. */
const idRowsOf = ({ assignmentId, ...record }: ImportedRecord): Attributes[] =>
  assignmentId === undefined ? [] : importedRows({ ...record, assignmentId })

const recordKeyFor = ({ process, nonce }: ImportedRecord): Attributes => ({ pk: { S: recordKey(process, nonce) } })
const recordKeyOf = ({ pk }: Attributes): Attributes => (pk ? { pk } : {})
const idKeyOf = ({ id, at }: Attributes): Attributes => (id && at ? { id, at } : {})
const nonceOf = (row: Attributes): number => Number(row.nonce?.N)

/** Whether this row may stay where that one was to be. Throws where it may not, and that one may not take its place either. */
function mayStand(row: Attributes, standing: Attributes): boolean {
  const [wanted, there] = [toPlace(row), toPlace(standing)]
  const [way, process = ''] = (row.at?.S ?? '').split('#')
  const same = wanted.assignment === there.assignment && wanted.timestamp === there.timestamp
  if (wanted.nonce === there.nonce && same) return true
  if (wanted.nonce === there.nonce || way === 'assignment') throw occupied(process, row.id?.S ?? '', there)
  return there.nonce < wanted.nonce
}

const occupied = (
  process: string,
  id: string,
  { assignment = '', nonce, timestamp }: { assignment?: string; nonce: number; timestamp: number },
) =>
  new SchedulerError('already-scheduled', `The log holds something else at nonce ${nonce} of process ${process}`, {
    id,
    place: { assignment, nonce, timestamp },
  })
