/** Placements in DynamoDB keep to the behaviours of their port, also in trouble that DynamoDB Local never makes. */
import { randomBytes } from 'node:crypto'
import {
  CreateTableCommand,
  type DynamoDBClient,
  ProvisionedThroughputExceededException,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Placement } from '../../../core/ports/placement-store.ts'
import { createDynamoDbClient } from '../../../db/dynamodb/client.ts'
import { createPlacementStore } from '../../../db/dynamodb/placement-store.ts'
import { routerTables } from '../../../infra/tables.ts'
import { placementStoreBehaviours } from '../../suites/placement-store.ts'
import { useDynamoDb } from './local.ts'

const db = useDynamoDb()
const table = 'placements'
const unreachable = 'http://127.0.0.1:9'
const clients: DynamoDBClient[] = []

beforeAll(async () => {
  const { hashKey } = routerTables.placements
  await db().client.send(
    new CreateTableCommand({
      TableName: table,
      AttributeDefinitions: [{ AttributeName: hashKey, AttributeType: 'S' }],
      KeySchema: [{ AttributeName: hashKey, KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  )
})
afterAll(() => {
  for (const client of clients) client.destroy()
})

const open = () => createPlacementStore({ home: db().client, near: db().client, table })
placementStoreBehaviours('DynamoDB', open)

const client = (endpoint: string) => {
  const made = createDynamoDbClient({ endpoint })
  clients.push(made)
  return made
}

/** A store whose writes meet these faults, one after the other, before they are sent or after they were answered. */
async function storeWith(faults: (() => unknown)[], when: 'before' | 'after') {
  const endpoint = await db().client.config.endpoint?.()
  const home = client(`http://${endpoint?.hostname}:${endpoint?.port}`)
  let writes = 0
  home.middlewareStack.add(
    (next, context) => async (args) => {
      if (!/^(Transact|Put|Update)/.test(context.commandName ?? '')) return next(args)
      const fault = faults[writes++]?.()
      if (fault && when === 'before') throw fault
      const answer = await next(args)
      if (fault) throw fault
      return answer
    },
    // Under the SDK's own retries, as a network is.
    { step: 'finalizeRequest', priority: 'low', name: 'fault' },
  )
  return { store: createPlacementStore({ home, near: home, table }), writes: () => writes }
}

const real = { $metadata: {} }
const conflict = () =>
  new TransactionCanceledException({
    ...real,
    message: 'conflict',
    CancellationReasons: [{ Code: 'None' }, { Code: 'TransactionConflict' }],
  })
const throttled = () => new ProvisionedThroughputExceededException({ ...real, message: 'slow down' })
const network = () => Object.assign(new Error('socket hang up'), { name: 'TimeoutError', code: 'ECONNRESET' })

const unit = () => `https://${randomBytes(4).toString('hex')}.example.com`
const fresh = (): Placement => ({
  process: randomBytes(32).toString('base64url'),
  unit: unit(),
  state: 'provisional',
  refusedBy: [],
  version: 1,
  at: 1,
})

describe('AWS in trouble', () => {
  it.each([
    ['conflicts', conflict, 'before'],
    ['throttling', throttled, 'before'],
    ['requests that are lost', network, 'before'],
    ['answers that are lost', network, 'after'],
    ['conflicts told of what was written', conflict, 'after'],
  ] as const)('%s: a placement is written once, counted once and told truly', async (_, fault, when) => {
    const first = fresh()
    const settled: Placement = { ...first, state: 'settled', version: 2 }
    const moved: Placement = { ...settled, unit: unit(), version: 3 }
    const trouble = async () => (await storeWith([fault, fault], when)).store
    expect(await (await trouble()).place(first)).toEqual(first)
    expect(await (await trouble()).change(first, settled)).toEqual(settled)
    expect(await (await trouble()).change(settled, moved)).toEqual(moved)
    expect(await open().read(first.process)).toEqual(moved)
    const counts = await open().counts()
    expect([counts.get(first.unit), counts.get(moved.unit)]).toEqual([undefined, 1])
  })

  it('an answer that is lost for good: unavailable in time, and asked again it is told', async () => {
    const { store } = await storeWith(
      Array.from({ length: 100 }, () => network),
      'after',
    )
    const first = fresh()
    await expect(store.place(first)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await open().place({ ...first, unit: unit() })).toEqual(first)
  })

  it('a mistake of ours is an error, and is not tried again', async () => {
    const mistake = () => Object.assign(new Error('wrong key'), { name: 'ValidationException' })
    const { store, writes } = await storeWith([mistake], 'before')
    await expect(store.place(fresh())).rejects.toThrow('wrong key')
    expect(writes()).toBe(1)
  })

  it('the home region away: unavailable in time, never "placed nowhere", and glances go on', async () => {
    const first = fresh()
    await open().place(first)
    const store = createPlacementStore({ home: client(unreachable), near: db().client, table })
    const asked = [
      store.read(first.process),
      store.place(first),
      store.change(first, { ...first, version: 2 }),
      store.counts(),
      store.deadSince(first.unit),
      store.declareDead(first.unit, 1),
    ]
    for (const { status, reason } of (await Promise.allSettled(asked)) as PromiseRejectedResult[]) {
      expect([status, reason]).toMatchObject(['rejected', { code: 'unavailable' }])
    }
    expect(await store.glance(first.process)).toEqual(first)
  })

  it('the own region away: a glance is soon unavailable, and the home region answers', async () => {
    const first = fresh()
    const store = createPlacementStore({ home: db().client, near: client(unreachable), table })
    await store.place(first)
    await expect(store.glance(first.process)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await store.read(first.process)).toEqual(first)
  })
})
