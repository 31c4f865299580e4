/** Messages of the oldest shape that no row of DynamoDB could hold: brought in, read, packed, relayed, and found where they are damaged. */
import {
  type AttributeValue,
  type BatchExecuteStatementCommandInput,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  paginateScan,
} from '@aws-sdk/client-dynamodb'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseBundle } from '../../../core/ans104/bundle.ts'
import { parseDataItem } from '../../../core/ans104/data-item.ts'
import type { Head } from '../../../core/log/record.ts'
import { migrate } from '../../../core/migration/migrate.ts'
import type { ProcessReport } from '../../../core/migration/order.ts'
import { systemClock as clock } from '../../../core/ports/clock.ts'
import type { ImportedRecord } from '../../../core/ports/log-import.ts'
import type { ReadDeps } from '../../../core/read/deps.ts'
import { openPage, type Page } from '../../../core/read/page.ts'
import { parsePageQuery } from '../../../core/read/query.ts'
import { createPace } from '../../../core/relay/pace.ts'
import { relayProcess } from '../../../core/relay/relay.ts'
import { createSegmentBuilder } from '../../../core/segments/builder.ts'
import { createSegmentReader } from '../../../core/segments/reader.ts'
import { createDynamoDbClient } from '../../../db/dynamodb/client.ts'
import { createLogImport } from '../../../db/dynamodb/log-import.ts'
import { createLogInspection } from '../../../db/dynamodb/log-inspection.ts'
import { createLogStore } from '../../../db/dynamodb/log-store.ts'
import { createRelayStore } from '../../../db/dynamodb/relay-store.ts'
import { createOldUnit, sourceOf, suSigner } from '../../core/migration/world.ts'
import { depsOf } from '../../core/read/history.ts'
import { FakeBlobStore } from '../../fakes/blob-store.ts'
import { FakeBundler } from '../../fakes/bundler.ts'
import { FakeGateway } from '../../fakes/gateway.ts'
import { FakeLogStore } from '../../fakes/log-store.ts'
import { FakeMetadataIndex } from '../../fakes/metadata-index.ts'
import { FakeSegmentIndexes, FakeSegmentObjects } from '../../fakes/segment-stores.ts'
import { useDynamoDb } from './local.ts'

const { owner } = suSigner
/** Bytes of the messages that are not small, by nonce. */
const LARGE = new Map([
  [3, 5_000_000],
  [4, 5_000_000],
  [7, 420_000],
  [200, 5_000_000],
])
const MESSAGES = 260

const db = useDynamoDb()
const store = () => createLogStore(db(), owner)
const blobs = new FakeBlobStore()

let process: string
let head: Head
let report: ProcessReport | undefined
/** The assignments, by nonce, as the old unit stored them. */
let bundles: Buffer[]
beforeAll(async () => {
  const old = createOldUnit()
  process = await old.spawn({ assigned: false })
  for (let nonce = 0; nonce < MESSAGES; nonce++) {
    await old.post(process, { oldest: true, data: Buffer.alloc(LARGE.get(nonce) ?? 10, 'x') })
  }
  bundles = old.messages.map(({ bundle }) => bundle)
  await migrate(
    {
      source: sourceOf(old),
      log: store(),
      imports: createLogImport(db(), owner),
      blobs,
      relay: createRelayStore(db()),
      gateway: new FakeGateway(),
      clock,
      owner,
    },
    { rows: { from: 0 }, auditOnly: false, ending: 'open', despiteFaults: false, reuploadSince: 0 },
    { deadline: Number.POSITIVE_INFINITY },
    {
      onProcess: (one) => {
        report = one
      },
      onProgress() {},
    },
  )
  const found = await store().head(process)
  if (!found) throw new Error('no head')
  head = found
}, 120_000)

const query = (text: string) => parsePageQuery(new URLSearchParams(text))

const readingOf = (more: Partial<ReadDeps> = {}) =>
  depsOf({ log: new FakeLogStore(), blobs }, { log: store(), ...more })

async function bytesOf(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

interface Edge {
  node: { message: { data: string }; assignment: { id: string } }
  cursor: string
}

const edgesOf = async (page: Page): Promise<Edge[]> => JSON.parse((await bytesOf(await page.json())).toString()).edges

/** From page to page to the end; the nonces that each page has. */
async function pagedThrough(deps: ReadDeps) {
  const edges: Edge[] = []
  const pages: number[] = []
  for (let from = -1; ; from = edges.length - 1) {
    const page = await openPage(deps, head, query(`from-nonce=${from}&limit=1000`))
    const found = await edgesOf(page)
    edges.push(...found)
    pages.push(found.length)
    // The same records, as they were signed.
    const items = parseBundle(await bytesOf(await page.bundle()))
    const assignments = items.filter((_, index) => index % 2 === 0)
    expect(assignments.map(({ raw }, index) => raw.equals(bundles[from + 1 + index] ?? raw.subarray(1)))).toEqual(
      found.map(() => true),
    )
    if (!page.hasNextPage) return { edges, pages }
  }
}

function expectAll(edges: readonly Edge[]): void {
  expect(edges.map(({ node }) => node.assignment.id)).toEqual(bundles.map((raw) => parseDataItem(raw).id))
  expect(edges.map(({ node }) => node.message.data.length)).toEqual(bundles.map((_, nonce) => LARGE.get(nonce) ?? 10))
}

describe('messages that no row could hold', () => {
  it('are brought in', () => {
    expect(report).toMatchObject({ outcome: 'open', copied: MESSAGES + 1, faults: [], notices: [] })
    expect(head).toMatchObject({ state: 'open', next: MESSAGES })
  })

  it('come in pages, and in bundles byte by byte, from the log', async () => {
    const { edges, pages } = await pagedThrough(readingOf())
    expectAll(edges)
    // No page is larger than it may be, unless it is one record.
    expect(pages).toEqual([3, 1, 1, 195, 1, 59])
  }, 60_000)

  it('are relayed and packed whole, and come in pages from segments', async () => {
    const [bundler, index] = [new FakeBundler(), new FakeMetadataIndex()]
    const stores = { records: store(), blobs, objects: new FakeSegmentObjects(), indexes: new FakeSegmentIndexes() }
    const deps = {
      ...stores,
      store: createRelayStore(db()),
      pace: createPace(bundler, clock),
      index,
      clock,
      segments: createSegmentBuilder({ ...stores, clock }),
      sinks: ['metadata', 'upload', 'segments'] as const,
      meter: { time() {}, count() {} },
      log: { warn: (details: object) => expect(details).toBeUndefined() },
    }
    const { sinks } = await relayProcess(deps, process, { deadline: clock.now() + 60_000 })
    const outcomes = Object.fromEntries([...sinks].map(([sink, { kind }]) => [sink, kind]))
    expect(outcomes).toEqual({ metadata: 'done', upload: 'done', segments: 'done' })
    for (const raw of bundles) expect(bundler.taken.get(parseDataItem(raw).id)?.equals(raw)).toBe(true)
    expect(stores.indexes.rows.size).toBe(1)
    const segments = createSegmentReader({
      ...stores,
      clock,
      damage: { report: (damage) => expect(damage).toBeUndefined() },
    })
    expectAll((await pagedThrough(readingOf({ segments }))).edges)
  }, 60_000)

  it('cost ordinary records nothing', async () => {
    const calls: string[] = []
    const endpoint = await db().client.config.endpoint?.()
    const client = createDynamoDbClient({ endpoint: `http://127.0.0.1:${endpoint?.port}` })
    client.middlewareStack.add(
      (next, { commandName }) =>
        (args) => {
          calls.push(String(commandName))
          return next(args)
        },
      { step: 'initialize' },
    )
    const log = createLogStore({ ...db(), client }, owner)
    expect(await log.records(process, 10, 41)).toHaveLength(32)
    expect(calls).toEqual(['BatchGetItemCommand'])
    expect(await log.records(process, 7, 8)).toHaveLength(2)
    expect(calls).toHaveLength(3)
    client.destroy()
  })

  it('come a few at a time', async () => {
    expect(await store().records(process, 3, 50)).toHaveLength(1)
    expect(await store().records(process, 0, 50)).toHaveLength(4)
    expect(await store().records(process, 5, 199)).toHaveLength(195)
  })
})

describe('what continues a record', () => {
  const table = () => db().tables.records
  const read = () => store().records(process, 7, 7)
  const inspect = async () => (await createLogInspection(db(), owner).records(process, [6, 7, 8]))[1]

  async function continuing() {
    const rows: Record<string, AttributeValue>[] = []
    for await (const { Items = [] } of paginateScan({ client: db().client }, { TableName: table() })) {
      rows.push(...Items.filter(({ pk }) => pk?.S?.startsWith(`${process}/7#`)))
    }
    return rows
  }

  it('is damage where it is gone or altered, and never served', async () => {
    const rows = await continuing()
    expect(rows).toHaveLength(2)
    const [record] = await read()
    if (!record?.assignment) throw new Error('no record')
    const imported: ImportedRecord = { ...record, assignmentId: parseDataItem(record.assignment).id }
    const imports = createLogImport(db(), owner)
    expect(await imports.held([imported])).toEqual([true])
    for (const row of rows) {
      const altered = Buffer.from(row.part?.B ?? [])
      altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1
      const key = row.pk ? { pk: row.pk } : {}
      for (const spoil of [
        () => db().client.send(new DeleteItemCommand({ TableName: table(), Key: key })),
        () => db().client.send(new PutItemCommand({ TableName: table(), Item: { ...row, part: { B: altered } } })),
        () => db().client.send(new PutItemCommand({ TableName: table(), Item: key })),
      ]) {
        await spoil()
        expect(await inspect()).toEqual({ damage: 'unreadable' })
        await expect(read()).rejects.toMatchObject({ code: 'unavailable' })
        await expect(imports.held([imported])).rejects.toMatchObject({ code: 'unavailable' })
        await db().client.send(new PutItemCommand({ TableName: table(), Item: row }))
      }
      // What is gone is written again.
      await db().client.send(new DeleteItemCommand({ TableName: table(), Key: key }))
      await imports.add([imported])
      expect(await inspect()).toMatchObject({ nonce: 7 })
    }
    expect((await read())[0]?.assignment?.equals(record.assignment)).toBe(true)
  })

  it('is damage where the record does not say what it is', async () => {
    const { Item: row } = await db().client.send(
      new GetItemCommand({ TableName: table(), Key: { pk: { S: `${process}/7` } } }),
    )
    const { M = {} } = row?.continued ?? {}
    const { rows: _, ...noRows } = M
    for (const changed of [
      {},
      noRows,
      { ...M, rows: { N: '3' } },
      { ...M, rows: { N: '1' } },
      { ...M, rows: { N: '9000000000' } },
      { ...M, bytes: { N: '420000' } },
      { ...M, sha256: { B: Buffer.alloc(32) } },
    ]) {
      await db().client.send(new PutItemCommand({ TableName: table(), Item: { ...row, continued: { M: changed } } }))
      expect(await inspect()).toEqual({ damage: 'unreadable' })
      await expect(read()).rejects.toMatchObject({ code: 'unavailable' })
    }
    await db().client.send(new PutItemCommand({ TableName: table(), Item: { ...row } }))
    expect(await inspect()).toMatchObject({ nonce: 7 })
  })

  it('is in nobody\u2019s way where its record never came', async () => {
    const [record] = await read()
    if (!record) throw new Error('no record')
    const large = async (fill: string) => {
      const { id, raw } = await suSigner.sign({ tags: [], data: Buffer.alloc(1_000_000, fill) })
      return { ...record, nonce: 5_000, assignment: raw, assignmentId: id }
    }
    const [first, second] = [await large('1'), await large('2')]
    // The call in which the record itself would be written fails; what continues it was written before.
    const endpoint = await db().client.config.endpoint?.()
    const client = createDynamoDbClient({ endpoint: `http://127.0.0.1:${endpoint?.port}` })
    client.middlewareStack.add(
      (next) => (args) => {
        const { Statements = [] } = args.input as Partial<BatchExecuteStatementCommandInput>
        const keys = Statements.flatMap(({ Parameters = [] }) => Parameters.map(({ S }) => S))
        // One that is not tried again.
        if (keys.includes(`${process}/5000`)) throw Object.assign(new Error('killed'), { name: 'ValidationException' })
        return next(args)
      },
      { step: 'initialize' },
    )
    const killed = createLogImport({ ...db(), client }, owner)
    await expect(killed.add([first])).rejects.toThrow('killed')
    client.destroy()
    await expect(store().records(process, 5_000, 5_000)).rejects.toMatchObject({ code: 'unavailable' })
    const imports = createLogImport(db(), owner)
    expect(await imports.held([first])).toEqual([false])
    await imports.add([second])
    expect(await imports.held([second])).toEqual([true])
    await expect(imports.add([first])).rejects.toMatchObject({ code: 'already-scheduled' })
    expect((await store().records(process, 5_000, 5_000))[0]?.assignment?.equals(second.assignment)).toBe(true)
  }, 30_000)
})
