/** The submission queue in DynamoDB keeps to its port, and is not kept from its work by what it cannot read or write. */
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
import { createSubmissionQueue } from '../../../db/dynamodb/submission-queue.ts'
import { createFakeSigner } from '../../fakes/signer.ts'
import { messageTo, randomId } from '../../suites/commits.ts'
import { submissionQueueSuite } from '../../suites/submission-queue.ts'
import { useDynamoDb } from './local.ts'

const db = useDynamoDb()
const signer = createFakeSigner()
submissionQueueSuite('DynamoDB', () => ({
  submissionQueue: createSubmissionQueue(db()),
  store: createLogStore(db(), signer.owner),
  signer,
}))

const submissions = (process: string, count: number) =>
  Promise.all(
    Array.from({ length: count }, async (_, i) => ({
      id: randomUUID(),
      entry: await messageTo(signer, process),
      since: 1_700_000_000_000 + i,
      deadline: 1_700_000_020_000,
    })),
  )

/** A submission queue whose n-th write meets what `fault` says. */
async function queueWith(fault: (write: number) => unknown) {
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
  return createSubmissionQueue(own)
}

describe('the submission queue in DynamoDB', () => {
  it('writes again what was left unwritten', async () => {
    const process = randomId()
    const [one] = await submissions(process, 1)
    if (!one) throw new Error('a submission')
    const left = {
      [db().tables.submissions]: [
        { PutRequest: { Item: marshall({ box: `${process}/0`, at: `0000000000001#${randomUUID()}`, deadline: 5 }) } },
      ],
    }
    const submissionQueue = await queueWith((write) => (write === 0 ? { UnprocessedItems: left } : undefined))
    await submissionQueue.submit(process, [one])
    expect(await submissionQueue.names(process)).toHaveLength(2)
  })

  it('fails with `unavailable` where it cannot write', async () => {
    const process = randomId()
    const real = { $metadata: {} }
    const throttled = await queueWith(
      () => new ProvisionedThroughputExceededException({ ...real, message: 'slow down' }),
    )
    await expect(throttled.submit(process, await submissions(process, 1))).rejects.toMatchObject({
      code: 'unavailable',
    })
    const left = { [db().tables.submissions]: [{ DeleteRequest: { Key: marshall({ box: 'a', at: 'b' }) } }] }
    const stuck = await queueWith(() => ({ UnprocessedItems: left }))
    await expect(stuck.submit(process, await submissions(process, 1))).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('opens the others where one submission cannot be read', async () => {
    const { client, tables } = db()
    const submissionQueue = createSubmissionQueue(db())
    const process = randomId()
    const [good, strange, torn] = await submissions(process, 3)
    if (!good || !strange || !torn) throw new Error('three submissions')
    await submissionQueue.submit(process, [good, strange, torn])
    for (const [id, row] of [
      [strange.id, { kind: 'of a later version' }],
      [torn.id, { kind: 'message', item: Buffer.from('no data item') }],
    ] as const) {
      const Item = marshall({ box: `submission#${id}`, at: 'body', ...row })
      await client.send(new PutItemCommand({ TableName: tables.submissions, Item }))
    }
    expect(await submissionQueue.open(process, [good, strange, torn])).toEqual([good])
  })

  it('names a hundred of each key, and the rest when those are done', async () => {
    const submissionQueue = createSubmissionQueue(db())
    const process = randomId()
    const many = await submissions(process, 600)
    await submissionQueue.submit(process, many)
    const seen = new Set<string>()
    for (;;) {
      const names = await submissionQueue.names(process)
      if (names.length === 0) break
      expect(names.length).toBeLessThanOrEqual(400)
      for (const { id } of names) seen.add(id)
      await submissionQueue.withdraw(process, names)
    }
    expect(seen.size).toBe(600)
  })

  it('has its rows forgotten after a while', async () => {
    const { client, tables } = db()
    const { TimeToLiveDescription } = await client.send(
      new DescribeTimeToLiveCommand({ TableName: tables.submissions }),
    )
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
    await createSubmissionQueue(own).submit('p', await submissions('p', 1))
    const rows = written?.RequestItems?.[tables.submissions] ?? []
    expect(rows).toHaveLength(2)
    for (const { PutRequest } of rows) {
      const expires = Number(PutRequest?.Item?.expires?.N)
      expect(expires).toBeGreaterThan(Date.now() / 1000 + 60)
      expect(expires).toBeLessThan(Date.now() / 1000 + 3_600)
    }
  })
})
