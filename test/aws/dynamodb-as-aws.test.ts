/** Each behaviour of AWS is what its documentation says, and leaves in the tables what it says. */
import { randomUUID } from 'node:crypto'
import {
  BatchExecuteStatementCommand,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import { afterAll, describe, expect, it } from 'vitest'
import { useDynamoDb } from '../db/dynamodb/local.ts'
import { type AwsBehaviour, asAws, createAws, type SharedBehaviour } from './dynamodb-as-aws.ts'

const db = useDynamoDb()
const clients: DynamoDBClient[] = []
afterAll(() => {
  for (const client of clients) client.destroy()
})

async function like(behaviour: AwsBehaviour | SharedBehaviour): Promise<DynamoDBClient> {
  const { client } = await asAws(db(), behaviour)
  clients.push(client)
  return client
}

const table = () => db().tables.submissions
const row = (box: string, at: string, value?: number) => marshall({ box, at, ...(value !== undefined && { value }) })
const put = (box: string, at: string, value = 1) =>
  new PutItemCommand({ TableName: table(), Item: row(box, at, value) })
const once = (box: string, at: string) => ({
  Put: {
    TableName: table(),
    Item: row(box, at, 2),
    ConditionExpression: 'attribute_not_exists(box)',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  },
})
/** What is in a box, by its sort keys. */
async function box(name: string, client = db().client, ConsistentRead = true): Promise<Record<string, unknown>> {
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: table(),
      KeyConditionExpression: 'box = :box',
      ExpressionAttributeValues: marshall({ ':box': name }),
      ConsistentRead,
    }),
  )
  return Object.fromEntries(Items.map((item) => unmarshall(item)).map(({ at, value }) => [at, value]))
}
async function cancelled(sent: Promise<unknown>): Promise<unknown[]> {
  const error: unknown = await sent.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof TransactionCanceledException)) throw error
  return (error.CancellationReasons ?? []).map(({ Code, Item }) => (Item ? [Code, unmarshall(Item).value] : Code))
}

describe('AWS as its documentation has it', () => {
  it('shows no difference where nothing is switched on', async () => {
    const [client, name] = [await like({}), randomUUID()]
    await client.send(put(name, 'a'))
    expect(await box(name, client, false)).toEqual({ a: 1 })
  })

  it('answers a read that is not consistent from before the last write', async () => {
    const [client, name] = [await like({ staleReads: 1 }), randomUUID()]
    const get = async (at: string, ConsistentRead?: boolean) => {
      const Key = row(name, at)
      const { Item } = await client.send(new GetItemCommand({ TableName: table(), Key, ConsistentRead }))
      return Item && unmarshall(Item).value
    }
    const getBoth = async (ConsistentRead?: boolean) => {
      const request = {
        Keys: [row(name, 'a'), row(name, 'b')],
        ConsistentRead,
        ProjectionExpression: '#box, #at, #value',
        ExpressionAttributeNames: { '#box': 'box', '#at': 'at', '#value': 'value' },
      }
      const { Responses = {} } = await client.send(new BatchGetItemCommand({ RequestItems: { [table()]: request } }))
      return Object.fromEntries((Responses[table()] ?? []).map((item) => unmarshall(item)).map((r) => [r.at, r.value]))
    }
    await client.send(put(name, 'a', 1))
    expect([await get('a'), await get('a', true), await getBoth()]).toEqual([undefined, 1, {}])
    await client.send(new TransactWriteItemsCommand({ TransactItems: [once(name, 'b')] }))
    expect([await get('a'), await box(name, client, false), await box(name, client)]).toEqual([
      1,
      { a: 1 },
      { a: 1, b: 2 },
    ])
    expect([await getBoth(), await getBoth(true)]).toEqual([{ a: 1 }, { a: 1, b: 2 }])
    await client.send(put(name, 'a', 3))
    expect([await get('a'), await getBoth(), await box(name, client, false)]).toEqual([
      1,
      { a: 1, b: 2 },
      { a: 1, b: 2 },
    ])
    await client.send(new DeleteItemCommand({ TableName: table(), Key: row(name, 'a') }))
    expect([await get('a'), await get('a', true), await getBoth()]).toEqual([3, undefined, { a: 3, b: 2 }])
  })

  it('shows a write of another client late too, and each of its rows by itself', async () => {
    const aws = createAws({ staleReads: 0.5, seed: 3 })
    const [writer, reader, name] = [await like(aws), await like(aws), randomUUID()]
    const rows = Array.from({ length: 10 }, (_, i) => once(name, String(i)))
    await writer.send(new TransactWriteItemsCommand({ TransactItems: rows }))
    const seen = new Set<number>()
    for (let i = 0; i < 20; i++) seen.add(Object.keys(await box(name, reader, false)).length)
    expect(seen.size).toBeGreaterThan(3)
  })

  it('leaves some of a batch unprocessed, never all', async () => {
    const [client, name] = [await like({ unprocessed: 1 }), randomUUID()]
    let left = Array.from({ length: 20 }, (_, i) => ({ PutRequest: { Item: row(name, String(i), i) } }))
    const asked = left.map(({ PutRequest }) => PutRequest.Item.at?.S)
    const { UnprocessedItems = {} } = await client.send(
      new BatchWriteItemCommand({ RequestItems: { [table()]: left } }),
    )
    const unwritten = (UnprocessedItems[table()] ?? []).map(({ PutRequest }) => PutRequest?.Item?.at?.S)
    expect(unwritten.length).toBeGreaterThan(0)
    expect(Object.keys(await box(name)).sort()).toEqual(asked.filter((at) => !unwritten.includes(at)).sort())
    await db().client.send(new BatchWriteItemCommand({ RequestItems: { [table()]: left } }))
    const Keys = left.map(({ PutRequest }) => row(name, PutRequest.Item.at?.S ?? ''))
    const { Responses = {}, UnprocessedKeys = {} } = await client.send(
      new BatchGetItemCommand({ RequestItems: { [table()]: { Keys, ConsistentRead: true } } }),
    )
    const [found, unread] = [Responses[table()] ?? [], UnprocessedKeys[table()]]
    expect(unread?.ConsistentRead).toBe(true)
    expect(found.length).toBeGreaterThan(0)
    expect(unread?.Keys?.length).toBe(20 - found.length)
    left = left.slice(0, 1)
    const single = await client.send(new BatchWriteItemCommand({ RequestItems: { [table()]: left } }))
    expect(single.UnprocessedItems ?? {}).toEqual({})
  })

  it('fails some statements of a batch, which are not executed', async () => {
    const [client, name] = [await like({ failedStatements: 1 }), randomUUID()]
    const Statements = Array.from({ length: 10 }, (_, i) => ({
      Statement: `INSERT INTO "${table()}" VALUE {'box': ?, 'at': ?, 'value': ?}`,
      Parameters: [{ S: name }, { S: String(i) }, { N: '1' }],
    }))
    const { Responses = [] } = await client.send(new BatchExecuteStatementCommand({ Statements }))
    const failed = Responses.flatMap(({ Error: error }, i) => (error ? [String(i)] : []))
    expect([Responses.length, failed.length > 0]).toEqual([10, true])
    const written = Statements.map((_, i) => String(i)).filter((i) => !failed.includes(i))
    expect(Object.keys(await box(name)).sort()).toEqual(written)
  })

  it('has a single write meet a transaction, which the SDK does not repeat', async () => {
    const [client, name] = [await like({ conflicts: ({ nth }) => nth === 1 }), randomUUID()]
    await expect(client.send(put(name, 'a'))).rejects.toMatchObject({ name: 'TransactionConflictException' })
    expect(await box(name)).toEqual({})
    await client.send(put(name, 'a'))
    expect(await box(name)).toEqual({ a: 1 })
  })

  it('cancels a transaction by row: passing reasons, and what conditions deserve', async () => {
    const name = randomUUID()
    await db().client.send(put(name, 'there', 7))
    const TransactItems = ['there', 'new', 'other'].map((at) => once(name, at))
    const command = () => new TransactWriteItemsCommand({ TransactItems, ClientRequestToken: randomUUID() })
    const mixed = await like({ cancellations: () => [undefined, 'TransactionConflict', undefined] })
    expect(await cancelled(mixed.send(command()))).toEqual([
      ['ConditionalCheckFailed', 7],
      'TransactionConflict',
      'None',
    ])
    const vectors = new Set<string>()
    const any = await like({ cancellations: 1, seed: 5 })
    for (let i = 0; i < 30; i++) vectors.add(JSON.stringify(await cancelled(any.send(command()))))
    expect(vectors.size).toBeGreaterThan(10)
    expect(await box(name)).toEqual({ there: 7 })
  })

  it('cancels nothing for which no row has a reason, and takes a hundred rows', async () => {
    const [client, name] = [await like({ cancellations: ({ nth }) => (nth === 1 ? [] : nth === 2) }), randomUUID()]
    const TransactItems = Array.from({ length: 100 }, (_, i) => once(name, String(i)))
    await client.send(new TransactWriteItemsCommand({ TransactItems: TransactItems.slice(0, 1) }))
    expect(await cancelled(client.send(new TransactWriteItemsCommand({ TransactItems })))).toHaveLength(100)
    expect(await box(name)).toEqual({ 0: 2 })
  })

  it('throttles and loses any attempt of the SDK', async () => {
    const name = randomUUID()
    const attempts: number[] = []
    const first = await like({
      lostAnswers: ({ attempt }) => attempt === 1,
      throttling: ({ attempt }) => {
        attempts.push(attempt)
        return attempt > 1
      },
    })
    await expect(first.send(put(name, 'a'))).rejects.toMatchObject({ $metadata: { attempts: 3 } })
    expect(attempts).toEqual([1, 2, 3])
    expect(await box(name)).toEqual({ a: 1 })
    const never = await like({ lostRequests: 1 })
    await expect(never.send(put(name, 'b'))).rejects.toThrow()
    expect(await box(name)).toEqual({ a: 1 })
  })

  it.each([
    ['remembers a token whose answer was lost', {}, undefined],
    ['forgets a token', { forgottenTokens: ({ attempt }) => attempt > 1 }, 'TransactionCanceledException'],
    ['is busy with a token', { tokensInProgress: 1 }, 'TransactionInProgressException'],
  ] as [string, AwsBehaviour, string | undefined][])('%s', async (_, behaviour, error) => {
    const name = randomUUID()
    const client = await like({ ...behaviour, lostAnswers: ({ attempt }) => attempt === 1 })
    const token = randomUUID()
    const command = new TransactWriteItemsCommand({ TransactItems: [once(name, 'a')], ClientRequestToken: token })
    const outcome = await client.send(command).then(
      () => undefined,
      ({ name }: Error) => name,
    )
    expect([outcome, await box(name)]).toEqual([error, { a: 2 }])
  })

  it('does the same with the same seed', async () => {
    const history = async (seed: number) => {
      const [client, name] = [await like({ seed, conflicts: 0.3, lostAnswers: 0.2 }), randomUUID()]
      const outcomes: string[] = []
      for (let i = 0; i < 10; i++) {
        const done = client.send(put(name, String(i)))
        outcomes.push(
          await done.then(
            () => 'done',
            (error: Error) => error.name,
          ),
        )
      }
      return [outcomes, Object.keys(await box(name))]
    }
    expect(await history(11)).toEqual(await history(11))
    expect(await history(11)).not.toEqual(await history(12))
  })
})
