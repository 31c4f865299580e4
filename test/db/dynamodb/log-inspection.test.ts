/** The log's rows as they are: whatever is changed in them behind the log's back is read as damage, or found by an audit. */
import { type AttributeValue, DeleteItemCommand, PutItemCommand, paginateScan } from '@aws-sdk/client-dynamodb'
import { beforeAll, expect, it } from 'vitest'
import type { VerifyDeps } from '../../../core/audit/verify.ts'
import type { Entry } from '../../../core/log/entry.ts'
import type { DynamoDb } from '../../../db/dynamodb/client.ts'
import { createDynamoDbClient } from '../../../db/dynamodb/client.ts'
import { createLogImport } from '../../../db/dynamodb/log-import.ts'
import { createLogInspection } from '../../../db/dynamodb/log-inspection.ts'
import { createLogStore } from '../../../db/dynamodb/log-store.ts'
import { createRelayStore } from '../../../db/dynamodb/relay-store.ts'
import { verifyAll, Writer, wallet } from '../../core/audit/world.ts'
import { FakeBlobStore } from '../../fakes/blob-store.ts'
import { logInspectionSuite } from '../../suites/log-inspection.ts'
import { useDynamoDb } from './local.ts'

type Row = Record<string, AttributeValue>

const db = useDynamoDb()
const put = (table: keyof DynamoDb['tables'], Item: Row) =>
  db().client.send(new PutItemCommand({ TableName: db().tables[table], Item }))

logInspectionSuite('DynamoDB', () => ({
  inspection: createLogInspection(db(), wallet.owner),
  imports: createLogImport(db(), wallet.owner),
  spoil: async (process, nonce) => void (await put('records', { pk: { S: `${process}/${nonce}` } })),
}))

it('an outage is no damage', async () => {
  const away = createDynamoDbClient({ endpoint: 'http://127.0.0.1:9' })
  const inspection = createLogInspection({ ...db(), client: away }, wallet.owner)
  await expect(inspection.records('p', [1])).rejects.toMatchObject({ code: 'unavailable' })
  away.destroy()
}, 30_000)

const blobs = new FakeBlobStore()
const deps = (): VerifyDeps => ({
  owner: wallet.owner,
  log: createLogStore(db(), wallet.owner),
  inspection: createLogInspection(db(), wallet.owner),
  bodies: blobs,
  imports: createLogImport(db(), wallet.owner),
  relay: createRelayStore(db()),
})

let process: string
let transaction: Entry
beforeAll(async () => {
  const writer = new Writer(createLogStore(db(), wallet.owner), blobs)
  process = await writer.spawn()
  transaction = await writer.grow(process, 1)
  const relay = createRelayStore(db())
  await relay.advance(process, { upload: { from: undefined, to: 6 } })
}, 60_000)

async function rowsOf(table: keyof DynamoDb['tables']): Promise<Row[]> {
  const rows: Row[] = []
  for await (const { Items } of paginateScan({ client: db().client }, { TableName: db().tables[table] })) {
    rows.push(...(Items ?? []))
  }
  const isOurs = (row: Row) => [row.process?.S, row.pk?.S?.split('/')[0], row.at?.S?.split('#')[1]].includes(process)
  return rows.filter(isOurs)
}

/** The value slightly otherwise; also within maps and lists. */
function* altered(value: AttributeValue): Generator<AttributeValue> {
  if (value.S !== undefined) yield { S: `${value.S}x` }
  if (value.N !== undefined) {
    yield { N: String(Number(value.N) + 1) }
    yield { N: String(Number(value.N) - 1) }
  }
  if (value.B) {
    for (const at of [0, Math.floor(value.B.length / 2), value.B.length - 1]) {
      const bytes = Buffer.from(value.B)
      bytes[at] = (bytes[at] ?? 0) ^ 1
      yield { B: bytes }
    }
    yield { B: value.B.subarray(1) }
  }
  for (const [name, part] of Object.entries(value.M ?? {})) {
    for (const other of altered(part)) yield { M: { ...value.M, [name]: other } }
  }
  for (const [index, part] of (value.L ?? []).entries()) {
    for (const other of altered(part)) yield { L: (value.L ?? []).with(index, other) }
    yield { L: (value.L ?? []).toSpliced(index, 1) }
  }
}

/** Every attribute of the row changed, and taken away; those of its key excepted. */
function* spoilt(row: Row, keys: readonly string[]): Generator<{ what: string; row: Row }> {
  for (const [name, value] of Object.entries(row)) {
    if (keys.includes(name)) continue
    for (const other of altered(value)) yield { what: `${name} altered`, row: { ...row, [name]: other } }
    const { [name]: _, ...rest } = row
    yield { what: `${name} gone`, row: rest }
  }
}

const tables = { heads: ['process', 'row'], records: ['pk'], ids: ['id', 'at'] } as const

it.each(Object.keys(tables) as (keyof typeof tables)[])(
  'any attribute of any row of %s that is changed or gone is found, and any row that is gone',
  async (table) => {
    expect((await verifyAll(deps(), process)).faults).toEqual([])
    const keys: readonly string[] = tables[table]
    const unnoticed: string[] = []
    const notice = async (what: string) => {
      const found = await verifyAll(deps(), process).then(
        ({ faults }) => faults.length > 0,
        (error: unknown) => error instanceof Error,
      )
      if (!found) unnoticed.push(what)
    }
    let count = 0
    for (const row of await rowsOf(table)) {
      const name = keys.map((key) => row[key]?.S).join(' ')
      for (const { what, row: changed } of spoilt(row, keys)) {
        await put(table, changed)
        await notice(`${name}: ${what}`)
        count++
      }
      const Key = Object.fromEntries(keys.flatMap((key) => (row[key] === undefined ? [] : [[key, row[key]]])))
      await db().client.send(new DeleteItemCommand({ TableName: db().tables[table], Key }))
      await notice(`${name}: gone`)
      await put(table, row)
    }
    // A watermark that is behind costs work, and is no damage. Whether a transaction has a deep hash, only the gateway could tell.
    const { hash } = transaction.deepHash ?? { hash: '' }
    const harmless = (what: string) => /done#upload: (done altered|done gone|gone)$/.test(what) || what.startsWith(hash)
    expect(unnoticed.filter((what) => !harmless(what))).toEqual([])
    expect(count).toBeGreaterThan(20)
    expect((await verifyAll(deps(), process)).faults).toEqual([])
  },
  120_000,
)
