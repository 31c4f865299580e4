/** Tables that come back in whatever way: nothing is scheduled in them before they are taken over, on AWS's own DynamoDB Local. */
import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  PutItemCommand,
  paginateScan,
} from '@aws-sdk/client-dynamodb'
import { beforeAll, describe, expect, it } from 'vitest'
import { Sequencer } from '../../../core/log/sequencer.ts'
import { systemClock as clock } from '../../../core/ports/clock.ts'
import { noMeter } from '../../../core/ports/meter.ts'
import { createPace } from '../../../core/relay/pace.ts'
import { relayProcess } from '../../../core/relay/relay.ts'
import type { RestoreDeps } from '../../../core/restore/deps.ts'
import { restoreLog, takeOver } from '../../../core/restore/restore.ts'
import { IdentityGuard } from '../../../core/schedule/identity-guard.ts'
import { postItem } from '../../../core/schedule/post.ts'
import type { Scheduler } from '../../../core/schedule/scheduler.ts'
import type { DynamoDb } from '../../../db/dynamodb/client.ts'
import { createIdentityStore } from '../../../db/dynamodb/identity-store.ts'
import { createLogFence } from '../../../db/dynamodb/log-fence.ts'
import { createLogImport } from '../../../db/dynamodb/log-import.ts'
import { createLogRestore } from '../../../db/dynamodb/log-restore.ts'
import { createLogStore } from '../../../db/dynamodb/log-store.ts'
import { createRelayStore } from '../../../db/dynamodb/relay-store.ts'
import { createSegmentIndexes } from '../../../db/dynamodb/segment-indexes.ts'
import { tables as settings } from '../../../infra/tables.ts'
import { audit } from '../../core/log/audit.ts'
import { signer } from '../../core/restore/world.ts'
import { codeOf } from '../../core/schedule/scheduling.ts'
import { FakeBundler } from '../../fakes/bundler.ts'
import { FakeIndexedNonces, FakeKeptBodies, FakeUploadedLog } from '../../fakes/restore-sources.ts'
import { noSubmissionQueue } from '../../fakes/submission-queue.ts'
import { createUnit } from '../../fakes/unit.ts'
import { messageItem, processItem } from '../../stack/client.ts'
import { useDynamoDb } from './local.ts'

const db = useDynamoDb()
const names = ['heads', 'records', 'ids'] as const
type Name = (typeof names)[number]
const outside = { bundler: new FakeBundler(), unit: createUnit({ clock, signer }) }

/** A unit on these tables, but for which everything is in memory. */
function schedulerOn(log: DynamoDb): Scheduler {
  const { scheduler } = outside.unit
  const store = createLogStore(log, signer.owner)
  const sequencer = new Sequencer({
    store,
    submissionQueue: noSubmissionQueue,
    signer,
    clock,
    meter: noMeter,
    height: () => 1_800_000,
    rememberedHeads: 10,
  })
  return { ...scheduler, store, sequencer, identity: new IdentityGuard(createIdentityStore(log), signer, clock) }
}

const post = (scheduler: Scheduler, raw: Buffer) => postItem(scheduler, raw, clock.now() + 10_000)

function depsOn(log: DynamoDb): RestoreDeps {
  const uploads = new FakeUploadedLog(outside.bundler)
  return {
    identity: createIdentityStore(log),
    wallet: { wallet: signer.address, owner: signer.owner },
    log: createLogStore(log, signer.owner),
    restore: createLogRestore(log, signer.owner),
    imports: createLogImport(log, signer.owner),
    fence: createLogFence(log),
    relay: createRelayStore(log),
    segments: createSegmentIndexes(log),
    blobs: outside.unit.blobs,
    kept: outside.unit.blobs,
    signed: [uploads],
    bodies: [new FakeKeptBodies(), uploads],
    uploads,
    metadata: new FakeIndexedNonces(outside.unit.index),
    gateway: outside.unit.gateway,
    clock,
    units: undefined,
    inlineBytes: 4_096,
  }
}

async function relayed(log: DynamoDb, process: string): Promise<void> {
  await relayProcess(
    {
      records: createLogStore(log, signer.owner),
      blobs: outside.unit.blobs,
      store: createRelayStore(log),
      pace: createPace(outside.bundler, clock),
      index: outside.unit.index,
      sinks: ['metadata', 'upload'],
      segments: { build: async () => undefined },
      meter: noMeter,
      clock,
      log: { warn() {} },
    },
    process,
    { deadline: clock.now() + 10_000 },
  )
}

const rowsOf = async (table: string) => {
  const rows = []
  for await (const { Items = [] } of paginateScan({ client: db().client }, { TableName: table })) rows.push(...Items)
  return rows
}

/** As a restore makes it: a table of its own, with these rows. */
async function make(name: Name, table: string, rows: Awaited<ReturnType<typeof rowsOf>>): Promise<void> {
  const { client } = db()
  const { hashKey, rangeKey } = { rangeKey: undefined, ...settings[name] }
  const keys = [hashKey, ...(rangeKey === undefined ? [] : [rangeKey])]
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: keys.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: keys.map((AttributeName, index) => ({ AttributeName, KeyType: index === 0 ? 'HASH' : 'RANGE' })),
    }),
  )
  for (const Item of rows) await client.send(new PutItemCommand({ TableName: table, Item }))
}

let process = ''
type Rows = Record<Name, Awaited<ReturnType<typeof rowsOf>>>
let backup: Rows
/** What was there when tables were lost. */
let last: Rows

beforeAll(async () => {
  const scheduler = schedulerOn(db())
  const spawned = await processItem('restored')
  process = spawned.id
  await post(scheduler, spawned.raw)
  for (let n = 0; n < 3; n++) await post(scheduler, (await messageItem(process, `before ${n}`)).raw)
  const { heads, records, ids } = db().tables
  const allRows = async () => ({ heads: await rowsOf(heads), records: await rowsOf(records), ids: await rowsOf(ids) })
  backup = await allRows()
  for (let n = 0; n < 3; n++) await post(scheduler, (await messageItem(process, `after ${n}`)).raw)
  await relayed(db(), process)
  last = await allRows()
})

let copies = 0
/** The log with these of its tables restored, under other names. */
async function restored(which: readonly Name[], rows: Partial<Rows> = {}): Promise<DynamoDb> {
  const { client, tables } = db()
  const copy = `copy-${++copies}`
  const names = { ...tables }
  for (const name of which) {
    names[name] = `${copy}-${name}`
    await make(name, names[name], rows[name] ?? backup[name])
  }
  return { client, tables: names }
}

const subsets: Name[][] = [
  ['heads'],
  ['records'],
  ['ids'],
  ['heads', 'records'],
  ['heads', 'ids'],
  ['records', 'ids'],
  [...names],
]

describe('a log of which tables came back under other names', () => {
  it.each(subsets.map((which) => [which.join(' and '), which] as const))('%s: schedules nothing', async (_, which) => {
    const log = await restored(which)
    const scheduler = schedulerOn(log)
    expect(await codeOf(post(scheduler, (await messageItem(process, 'no')).raw))).toBe('foreign-log')
    expect(await codeOf(post(scheduler, (await processItem('no')).raw))).toBe('foreign-log')
  })

  it('schedules nothing either where there is nothing in the table of heads', async () => {
    const log = await restored(['heads'], { heads: [] })
    expect(await codeOf(post(schedulerOn(log), (await processItem('no')).raw))).toBe('foreign-log')
    const others = await restored(names, { heads: [], records: [] })
    expect(await codeOf(post(schedulerOn(others), (await processItem('no')).raw))).toBe('foreign-log')
  })

  it('or where a table is missing', async () => {
    const { client, tables } = db()
    const log = { client, tables: { ...tables, ids: 'not-there' } }
    expect(await codeOf(post(schedulerOn(log), (await processItem('no')).raw))).toBe('foreign-log')
  })

  it.each([
    ['all', backupOf(names)],
    ['none but records', backupOf(['records'])],
    ['none but ids', backupOf(['ids'])],
    ['all but records', backupOf(['heads', 'ids'])],
    ['all, and no heads', backupOf(names, { heads: [] })],
  ] as const)(
    'goes on where it stood when it was completed and taken over (restored: %s)',
    async (_, { which, rows }) => {
      // What was not lost is copied, so that each case has its own.
      const log = await restored(names, { ...last, ...pick(which), ...rows })
      const deps = depsOn(log)
      const truth = createLogStore(db(), signer.owner)
      for await (const report of restoreLog(deps, { write: true, accept: new Set() })) {
        expect(report).toMatchObject({ process, kind: 'whole', next: 7 })
      }
      const scheduler = schedulerOn(log)
      expect(await codeOf(post(scheduler, (await messageItem(process, 'no')).raw))).toBe('foreign-log')
      expect(await takeOver(deps)).toMatchObject({ unready: [], closed: [] })
      const message = await messageItem(process, `${copies}`)
      await post(scheduler, message.raw)
      expect(await scheduler.store.find(message.id)).toMatchObject([{ place: { nonce: 7 } }])
      const { records, faults } = await audit(scheduler.store, process)
      expect(faults).toEqual([])
      expect(records.slice(0, 7)).toEqual(await truth.records(process, 0, 6))
      for (const { id } of records.slice(1)) expect(await scheduler.store.find(id)).toHaveLength(1)
      const before = outside.bundler.attempts.length
      await relayed(log, process)
      expect(outside.bundler.attempts.length - before).toBe(2)
      // For the next ones: it was not given out in the log that they come from.
      for (const id of outside.bundler.attempts.splice(before)) outside.bundler.taken.delete(id)
      outside.unit.index.rows.delete(`${process}/7`)
    },
  )
})

describe('tables that came back under their own names', () => {
  it('schedule nothing, also for an instance that was there before', async () => {
    const { client } = db()
    const { tables } = await restored(names)
    const log = { client, tables }
    const deps = depsOn(log)
    for await (const _ of restoreLog(deps, { write: true, accept: new Set() }));
    await takeOver(deps)
    const guard = new IdentityGuard(createIdentityStore(log), signer, clock)
    await guard.verify()
    for (const name of names) await client.send(new DeleteTableCommand({ TableName: tables[name] }))
    await expect(guard.verify()).rejects.toMatchObject({ code: 'foreign-log' })
    for (const name of names) await make(name, tables[name], backup[name])
    await expect(guard.verify()).rejects.toMatchObject({ code: 'foreign-log' })
    const described = await client.send(new DescribeTableCommand({ TableName: tables.heads }))
    expect(described.Table?.TableStatus).toBe('ACTIVE')
  })
})

const pick = (which: readonly Name[]): Partial<Rows> => Object.fromEntries(which.map((name) => [name, backup[name]]))

function backupOf(which: readonly Name[], rows: Partial<Rows> = {}) {
  return { which, rows }
}
