/** AWS's failures that DynamoDB Local never shows, injected under the SDK: what the log makes of them. */
import { ProvisionedThroughputExceededException, TransactionCanceledException } from '@aws-sdk/client-dynamodb'
import { describe, expect, it } from 'vitest'
import type { Sequencer } from '../../../core/log/sequencer.ts'
import { systemClock } from '../../../core/ports/clock.ts'
import { createDynamoDb } from '../../../db/dynamodb/client.ts'
import { createLogStore } from '../../../db/dynamodb/log-store.ts'
import { createSubmissionQueue } from '../../../db/dynamodb/submission-queue.ts'
import { asAws } from '../../aws/dynamodb-as-aws.ts'
import { audit } from '../../core/log/audit.ts'
import { createInstance, message, randomId, spawned } from '../../core/log/instance.ts'
import { createFakeSigner } from '../../fakes/signer.ts'
import { bareHead, commitOf, messageTo, spawnIn } from '../../suites/commits.ts'
import { useDynamoDb } from './local.ts'

const db = useDynamoDb()
const signer = createFakeSigner()
const deadline = () => Date.now() + 15_000
const real = { $metadata: {} }

/** A unit whose DynamoDB client meets `fault` at its n-th transaction, before it is sent or after it was answered. */
async function unitWith(faults: ((transaction: number) => unknown)[], when: 'before' | 'after') {
  const { client: shared, tables } = db()
  const endpoint = await shared.config.endpoint?.()
  const own = createDynamoDb(tables, `http://${endpoint?.hostname}:${endpoint?.port}`)
  let transactions = 0
  own.client.middlewareStack.add(
    (next, context) => async (args) => {
      if (context.commandName !== 'TransactWriteItemsCommand') return next(args)
      const n = transactions++
      const fault = faults[n]?.(n)
      if (fault && when === 'before') throw fault
      const answer = await next(args)
      if (fault) throw fault
      return answer
    },
    // Under the SDK's own retries, as a network is.
    { step: 'finalizeRequest', priority: 'low', name: 'fault' },
  )
  const store = createLogStore(own, signer.owner)
  return {
    store,
    unit: createInstance(store, createSubmissionQueue(own), systemClock, signer),
    transactions: () => transactions,
  }
}

const conflict = () =>
  new TransactionCanceledException({
    ...real,
    message: 'conflict',
    CancellationReasons: [{ Code: 'TransactionConflict' }, { Code: 'None' }, { Code: 'None' }, { Code: 'None' }],
  })
const throttled = () => new ProvisionedThroughputExceededException({ ...real, message: 'slow down' })
const network = () => Object.assign(new Error('socket hang up'), { name: 'TimeoutError', code: 'ECONNRESET' })

async function scheduleSome(unit: Sequencer, process: string) {
  const places = []
  for (let i = 0; i < 3; i++) places.push(await unit.schedule(message(process), deadline()))
  return places.map((place) => place.nonce)
}

describe('AWS in trouble', () => {
  it.each([
    ['TransactionConflict', conflict, 'before'],
    ['throttling', throttled, 'before'],
    ['requests that are lost', network, 'before'],
    ['answers that are lost', network, 'after'],
    ['conflicts told of what was written', conflict, 'after'],
    ['throttling told of what was written', throttled, 'after'],
  ] as const)('%s: every message gets its place once', { timeout: 30_000 }, async (_, fault, when) => {
    const quiet = await unitWith([], 'before')
    const process = await spawned(quiet.unit, deadline())
    const { unit, store, transactions } = await unitWith([fault, fault, () => undefined, fault, fault, fault], when)
    expect(await scheduleSome(unit, process)).toEqual([1, 2, 3])
    expect(await audit(store, process)).toMatchObject({ faults: [], records: { length: 4 } })
    expect(transactions()).toBeGreaterThan(3)
  })

  it('throttling of a later attempt says nothing of the first, whose answer was lost', {
    timeout: 30_000,
  }, async () => {
    const own = await asAws(db(), {
      lostAnswers: ({ command, attempt }) => command === 'TransactWriteItemsCommand' && attempt === 1,
      throttling: ({ attempt }) => attempt > 1,
    })
    const store = createLogStore(own, signer.owner)
    const { process, head } = await spawnIn(createLogStore(db(), signer.owner), signer)
    const commit = await commitOf(signer, head, [await messageTo(signer, process)])
    expect(await store.commit(commit)).toMatchObject({ kind: 'unanswered' })
    expect((await store.head(process))?.next).toBe(commit.to.next)
    own.client.destroy()
  })

  it('a spawn whose answer is lost happens once', async () => {
    const { unit, store } = await unitWith([network, network], 'after')
    const process = await spawned(unit, deadline())
    expect(await audit(store, process)).toMatchObject({ faults: [], records: { length: 1 } })
  })

  it('a mistake of ours is an error, and is not tried again', async () => {
    const { unit, transactions } = await unitWith(
      [() => Object.assign(new Error('wrong key'), { name: 'ValidationException' })],
      'before',
    )
    await expect(spawned(unit, deadline())).rejects.toThrow('wrong key')
    expect(transactions()).toBe(1)
  })

  it('an unreachable store: unavailable within the deadline', { timeout: 20_000 }, async () => {
    const { tables } = db()
    const nobody = createDynamoDb(tables, 'http://127.0.0.1:9')
    const unit = createInstance(
      createLogStore(nobody, signer.owner),
      createSubmissionQueue(nobody),
      systemClock,
      signer,
    )
    await expect(unit.schedule(message('x'.repeat(43)), Date.now() + 3_000)).rejects.toMatchObject({
      code: 'unavailable',
    })
  })
})

describe('one transaction', () => {
  it('is sent once by the SDK, whatever becomes of it', async () => {
    const { store, unit, transactions } = await unitWith([], 'before')
    const process = await spawned(unit, deadline())
    const head = await store.head(process)
    if (!head) throw new Error('no head')
    const lost = await unitWith([network, network, network], 'after')
    const commit = await commitOf(signer, head, [message(process)])
    expect(await lost.store.commit(commit)).toMatchObject({ kind: 'unanswered' })
    expect([transactions(), lost.transactions()]).toEqual([1, 1])
    expect(await lost.store.spawn({ ...(await anySpawn()), token: 'a token' })).toMatchObject({ kind: 'unanswered' })
    expect(lost.transactions()).toBe(2)
  })

  it('is cut off by its signal', async () => {
    const { store, unit } = await unitWith([], 'before')
    const process = await spawned(unit, deadline())
    const head = await store.head(process)
    if (!head) throw new Error('no head')
    const commit = await commitOf(signer, head, [message(process)])
    expect(await store.commit(commit, AbortSignal.abort())).toMatchObject({ kind: 'unanswered' })
  })

  it.each(['AccessDeniedException', 'ResourceNotFoundException', 'ExpiredTokenException'])(
    'fails at once with a sentence on %s',
    async (name) => {
      const quiet = await unitWith([], 'before')
      const process = await spawned(quiet.unit, deadline())
      const denied = () => Object.assign(new Error('no'), { name })
      const { unit, transactions } = await unitWith([denied, denied], 'before')
      const failure = { code: 'unavailable', message: expect.stringMatching(`refuses access .${name}.*must check`) }
      await expect(unit.schedule(message(process), deadline())).rejects.toMatchObject(failure)
      await expect(spawned(unit, deadline())).rejects.toMatchObject(failure)
      expect(transactions()).toBe(2)
    },
  )
})

async function anySpawn() {
  const item = message(randomId()).item
  if (!item) throw new Error('no item')
  const times = { timestamp: 1, timeKey: 1, blockHeight: 1 }
  const record = { process: item.id, kind: 'process', item, id: item.id, nonce: -1, ...times } as const
  return { head: { ...bareHead(item.id), firstNonce: -1 } as const, record }
}

describe('a record that is not visible yet, below a head that is', () => {
  it('is looked for again before the log is said to lack it', async () => {
    const { client: shared, tables } = db()
    const endpoint = await shared.config.endpoint?.()
    const own = createDynamoDb(tables, `http://${endpoint?.hostname}:${endpoint?.port}`)
    let looks = 0
    own.client.middlewareStack.add(
      (next, context) => async (args) => {
        const answer = await next(args)
        if (context.commandName === 'BatchGetItemCommand' && ++looks <= 3)
          Object.assign(answer.output, { Responses: {} })
        return answer
      },
      { step: 'initialize', name: 'skew' },
    )
    const store = createLogStore(own, signer.owner)
    const process = await spawned(createInstance(store, createSubmissionQueue(own), systemClock, signer), deadline())
    expect(await store.records(process, 0, 0)).toHaveLength(1)
    expect(looks).toBe(4)
  })
})
