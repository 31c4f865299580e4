/** Single writes of rows that are in a transaction, throttled, or whose answers are lost: none of it shows to the caller. */
import {
  ProvisionedThroughputExceededException,
  TransactionConflictException,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { afterEach, describe, expect, it } from 'vitest'
import type { Head } from '../../../core/log/record.ts'
import { createDynamoDb, type DynamoDb, type Tables } from '../../../db/dynamodb/client.ts'
import { persist, writeOnCondition } from '../../../db/dynamodb/conditional-write.ts'
import { createHeightStore } from '../../../db/dynamodb/height-store.ts'
import { createLogFence } from '../../../db/dynamodb/log-fence.ts'
import { createLogImport } from '../../../db/dynamodb/log-import.ts'
import { createLogRestore } from '../../../db/dynamodb/log-restore.ts'
import { createLogStore } from '../../../db/dynamodb/log-store.ts'
import { createRelayStore } from '../../../db/dynamodb/relay-store.ts'
import { createFakeSigner } from '../../fakes/signer.ts'
import { bareHead, randomId, spawnIn } from '../../suites/commits.ts'
import { useDynamoDb } from './local.ts'

const db = useDynamoDb()
const signer = createFakeSigner()
const made: DynamoDb<keyof Tables>[] = []
afterEach(() => {
  for (const { client } of made.splice(0)) client.destroy()
})

const real = { $metadata: {} }
const faults = {
  conflict: () => new TransactionConflictException({ ...real, message: 'Transaction is ongoing for the item' }),
  throttled: () => new ProvisionedThroughputExceededException({ ...real, message: 'slow down' }),
  lost: () => Object.assign(new Error('socket hang up'), { name: 'TimeoutError', code: 'ECONNRESET' }),
}

/** The same tables through a client whose next single writes fail so, before they are sent or after they were done. */
async function faulty(fault: () => Error, when: 'before' | 'after', times: number) {
  const endpoint = await db().client.config.endpoint?.()
  const own = createDynamoDb(db().tables, `http://${endpoint?.hostname}:${endpoint?.port}`)
  made.push(own)
  let left = times
  own.client.middlewareStack.add(
    (next, context) => async (args) => {
      if (!/^(Put|Update|Delete)ItemCommand$/.test(context.commandName ?? '') || left === 0) return next(args)
      left--
      if (when === 'after') await next(args)
      throw fault()
    },
    // Under the SDK's own retries, as the network is.
    { step: 'finalizeRequest', priority: 'low', name: 'fault' },
  )
  return own
}

const spawned = async (): Promise<Head> => (await spawnIn(createLogStore(db(), signer.owner), signer)).head
const headOf = (process: string) => createLogStore(db(), signer.owner).head(process)

/** Each port's single conditional writes, as one operation that says whether it was done. */
const operations: Record<string, (own: DynamoDb<keyof Tables>) => Promise<boolean>> = {
  'freezing a head for a move': async (own) => createLogFence(own).freeze((await spawned()).process, 2),
  'opening a head': async (own) => {
    const { process } = await spawned()
    await createLogFence(db()).freeze(process, 2)
    return createLogFence(own).open(process, 2)
  },
  'beginning an import': async (own) => {
    const head = bareHead(randomId())
    return (await createLogImport(own, signer.owner).begin(head)).state === 'incomplete'
  },
  'finishing an import': async (own) => {
    const head = bareHead(randomId())
    const begun = await createLogImport(db(), signer.owner).begin(head)
    return createLogImport(own, signer.owner).finish(begun, { ...begun, state: 'frozen' })
  },
  'restoring a head': async (own) => {
    const head = await spawned()
    return createLogRestore(own, signer.owner).replaceHead(head, { ...head, state: 'frozen', awaits: 3 })
  },
  'removing a head': async (own) => {
    const head = await spawned()
    const done = await createLogRestore(own, signer.owner).removeHead(head)
    return done && (await headOf(head.process)) === undefined
  },
  'writing a height': async (own) => {
    const now = Date.now()
    const before = await createHeightStore(db()).read()
    const next = { height: (before?.height ?? 0) + 1, at: now, since: now }
    await createHeightStore(own).replace(before, next)
    return (await createHeightStore(db()).read())?.height === next.height
  },
}

/** Of these the caller looks again by itself where it is told that the row was another. */
const lookedAtAgain: typeof operations = {
  'setting the state of a head': async (own) => {
    const { process } = await spawned()
    const done = await createLogStore(own, signer.owner).setState(process, 'open', 'frozen')
    return done || (await headOf(process))?.state === 'frozen'
  },
  'advancing a watermark': async (own) => {
    const process = randomId()
    const done = await createRelayStore(own).advance(process, { upload: { from: undefined, to: 5 } })
    return done || (await createRelayStore(db()).advance(process, { upload: { from: 5, to: 6 } }))
  },
}

describe.each(Object.entries({ ...operations, ...lookedAtAgain }))('%s', (_, operation) => {
  it.each([
    ['while the row is in transactions', 'conflict', 'before', 8],
    ['while the table is throttled', 'throttled', 'before', 3],
    ['whose requests are lost', 'lost', 'before', 4],
    ['whose answers are lost', 'lost', 'after', 4],
  ] as const)('%s', { timeout: 30_000 }, async (_, fault, when, times) => {
    expect(await operation(await faulty(faults[fault], when, times))).toBe(true)
  })
})

describe('a conditional write', () => {
  const key = (process: string) => ({ TableName: db().tables.heads, Key: { process: { S: process }, row: { S: 'x' } } })

  it('that its condition refuses is refused at once, with the row that stands', async () => {
    const process = randomId()
    await db().client.send(new UpdateItemCommand(key(process)))
    let attempts = 0
    const outcome = await writeOnCondition((options) => {
      attempts++
      return db().client.send(
        new UpdateItemCommand({
          ...key(process),
          ConditionExpression: 'attribute_not_exists(process)',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
        options,
      )
    })
    expect(outcome).toEqual({ written: false, row: { process: { S: process }, row: { S: 'x' } } })
    expect(attempts).toBe(1)
  })

  it('that meets a conflict each time is unavailable, and not tried for ever', async () => {
    const failing = writeOnCondition(() => Promise.reject(faults.conflict()), { store: 'The table', within: 200 })
    await expect(failing).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('that DynamoDB finds wrong is a bug, and not repeated', async () => {
    let attempts = 0
    const wrong = () => {
      attempts++
      return Promise.reject(Object.assign(new Error('no such attribute'), { name: 'ValidationException' }))
    }
    await expect(writeOnCondition(wrong)).rejects.toThrow('no such attribute')
    expect(attempts).toBe(1)
  })
})

it.each(['AccessDeniedException', 'ResourceNotFoundException', 'ExpiredTokenException', 'CredentialsProviderError'])(
  'a write without what it needs fails at once and says so: %s',
  async (name) => {
    let attempts = 0
    const write = persist(async () => {
      attempts++
      throw Object.assign(new Error('no'), { name })
    })
    await expect(write).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining(name) })
    expect(attempts).toBe(1)
  },
)
