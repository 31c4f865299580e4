/** The mailbox in DynamoDB keeps to its port, and is not kept from its work by what it cannot read or write. */
import { randomUUID } from 'node:crypto'
import {
  type BatchWriteItemCommand,
  DescribeTimeToLiveCommand,
  ProvisionedThroughputExceededException,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import { marshall } from '@aws-sdk/util-dynamodb'
import { describe, expect, it } from 'vitest'
import { createDynamoDb } from '../../../db/dynamodb/client.ts'
import { createLogStore } from '../../../db/dynamodb/log-store.ts'
import { createMailbox } from '../../../db/dynamodb/mailbox.ts'
import { createFakeSigner } from '../../fakes/signer.ts'
import { messageTo, randomId } from '../../suites/commits.ts'
import { mailboxSuite } from '../../suites/mailbox.ts'
import { useDynamoDb } from './local.ts'

const db = useDynamoDb()
const signer = createFakeSigner()
mailboxSuite('DynamoDB', () => ({ mailbox: createMailbox(db()), store: createLogStore(db(), signer.owner), signer }))

const offers = (process: string, count: number) =>
  Promise.all(
    Array.from({ length: count }, async (_, i) => ({
      id: randomUUID(),
      entry: await messageTo(signer, process),
      since: 1_700_000_000_000 + i,
      deadline: 1_700_000_020_000,
    })),
  )

/** A mailbox whose n-th write meets what `fault` says. */
async function mailboxWith(fault: (write: number) => unknown) {
  const { client: shared, tables } = db()
  const endpoint = await shared.config.endpoint?.()
  const own = createDynamoDb(tables, `http://${endpoint?.hostname}:${endpoint?.port}`)
  let writes = 0
  own.client.middlewareStack.add(
    (next, context) => async (args) => {
      if (context.commandName !== 'BatchWriteItemCommand') return next(args)
      const answer = fault(writes++)
      if (answer instanceof Error) throw answer
      const done = await next(args)
      if (answer !== undefined) Object.assign(done.output, answer)
      return done
    },
    { step: 'initialize', name: 'fault' },
  )
  return createMailbox(own)
}

describe('the mailbox in DynamoDB', () => {
  it('writes again what was left unwritten', async () => {
    const process = randomId()
    const [one] = await offers(process, 1)
    if (!one) throw new Error('an offer')
    const left = {
      [db().tables.offers]: [
        { PutRequest: { Item: marshall({ box: `${process}/0`, at: `0000000000001#${randomUUID()}`, deadline: 5 }) } },
      ],
    }
    const mailbox = await mailboxWith((write) => (write === 0 ? { UnprocessedItems: left } : undefined))
    await mailbox.offer(process, [one])
    expect(await mailbox.names(process)).toHaveLength(2)
  })

  it('fails with `unavailable` where it cannot write', async () => {
    const process = randomId()
    const real = { $metadata: {} }
    const throttled = await mailboxWith(
      () => new ProvisionedThroughputExceededException({ ...real, message: 'slow down' }),
    )
    await expect(throttled.offer(process, await offers(process, 1))).rejects.toMatchObject({ code: 'unavailable' })
    const left = { [db().tables.offers]: [{ DeleteRequest: { Key: marshall({ box: 'a', at: 'b' }) } }] }
    const stuck = await mailboxWith(() => ({ UnprocessedItems: left }))
    await expect(stuck.offer(process, await offers(process, 1))).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('opens the others where one offer cannot be read', async () => {
    const { client, tables } = db()
    const mailbox = createMailbox(db())
    const process = randomId()
    const [good, strange, torn] = await offers(process, 3)
    if (!good || !strange || !torn) throw new Error('three offers')
    await mailbox.offer(process, [good, strange, torn])
    for (const [id, row] of [
      [strange.id, { kind: 'of a later version' }],
      [torn.id, { kind: 'message', item: Buffer.from('no data item') }],
    ] as const) {
      const Item = marshall({ box: `offer#${id}`, at: 'body', ...row })
      await client.send(new PutItemCommand({ TableName: tables.offers, Item }))
    }
    expect(await mailbox.open(process, [good, strange, torn])).toEqual([good])
  })

  it('names a hundred of each key, and the rest when those are done', async () => {
    const mailbox = createMailbox(db())
    const process = randomId()
    const many = await offers(process, 600)
    await mailbox.offer(process, many)
    const seen = new Set<string>()
    for (;;) {
      const names = await mailbox.names(process)
      if (names.length === 0) break
      expect(names.length).toBeLessThanOrEqual(400)
      for (const { id } of names) seen.add(id)
      await mailbox.withdraw(process, names)
    }
    expect(seen.size).toBe(600)
  })

  it('has its rows forgotten after a while', async () => {
    const { client, tables } = db()
    const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName: tables.offers }))
    expect(TimeToLiveDescription).toMatchObject({ AttributeName: 'expires', TimeToLiveStatus: 'ENABLED' })
    // A row without an expiry would stay for ever.
    let written: BatchWriteItemCommand['input'] | undefined
    const own = createDynamoDb(tables, 'http://127.0.0.1:9')
    own.client.middlewareStack.add(
      () => async (args) => {
        written = args.input as BatchWriteItemCommand['input']
        return { output: { $metadata: {} }, response: {} }
      },
      { step: 'initialize', name: 'stop' },
    )
    await createMailbox(own).offer('p', await offers('p', 1))
    const rows = written?.RequestItems?.[tables.offers] ?? []
    expect(rows).toHaveLength(2)
    for (const { PutRequest } of rows) {
      const expires = Number(PutRequest?.Item?.expires?.N)
      expect(expires).toBeGreaterThan(Date.now() / 1000 + 60)
      expect(expires).toBeLessThan(Date.now() / 1000 + 3_600)
    }
  })
})
