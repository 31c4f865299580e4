/** The event source mapping: what a function gets of a table's stream, and when it comes again. */
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { describe, expect, onTestFinished, test } from 'vitest'
import { functions, type StreamTrigger } from '../../infra/functions.ts'
import {
  type LocalDynamoDb,
  localCredentials,
  localRegion,
  localTableName,
  startDynamoDb,
} from '../../local/dynamodb.ts'
import type { Outcome } from '../../local/lambda/invocation.ts'
import { type DeliveryOptions, deliver, type GivenUp } from '../../local/streams/delivery.ts'
import { matches } from '../../local/streams/filter.ts'
import { type MappingOptions, startMapping } from '../../local/streams/mapping.ts'
import type { StreamRecord } from '../../local/streams/record.ts'
import { openTestKeeper, temporaryDir } from './host.ts'

const recordsOf = (event: string): StreamRecord[] => JSON.parse(event).Records
const numbersOf = (event: string): string[] => recordsOf(event).map(({ dynamodb }) => dynamodb.SequenceNumber)
const taken: Outcome = { kind: 'answered', body: '{"batchItemFailures":[]}' }
const failing = (...numbers: string[]): Outcome => ({
  kind: 'answered',
  body: JSON.stringify({ batchItemFailures: numbers.map((itemIdentifier) => ({ itemIdentifier })) }),
})
const thrown: Outcome = { kind: 'failed', errorType: 'Error', message: 'on purpose' }

describe('delivery of a batch', () => {
  const recordAt = (number: number, ageSeconds = 0): StreamRecord => ({
    eventID: String(number),
    eventName: 'MODIFY',
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: 'us-east-1',
    eventSourceARN: 'arn:stream',
    dynamodb: {
      Keys: {},
      SequenceNumber: String(number),
      SizeBytes: 1,
      StreamViewType: 'NEW_IMAGE',
      ApproximateCreationDateTime: Date.now() / 1000 - ageSeconds,
    },
  })

  const setUp = (answer: (numbers: string[]) => Outcome, trigger: Partial<StreamTrigger> = {}) => {
    const calls: string[][] = []
    const givenUp: GivenUp[] = []
    const stopping = new AbortController()
    const options: DeliveryOptions = {
      trigger: {
        bisect: true,
        reportBatchItemFailures: true,
        maximumRetryAttempts: 2,
        maximumRecordAge: 60,
        ...trigger,
      },
      functionName: 'relay',
      async invoke(event) {
        calls.push(numbersOf(event))
        return answer(numbersOf(event))
      },
      onGivenUp: (one) => givenUp.push(one),
      onFailure: () => {},
      signal: stopping.signal,
    }
    return { calls, givenUp, options, stopping }
  }

  test('what was reported as failed comes again, and what comes after it', async () => {
    let failures = 1
    const { calls, options } = setUp(() => (failures-- > 0 ? failing('3', '2') : taken))
    expect(
      await deliver(
        [1, 2, 3].map((n) => recordAt(n)),
        'shard',
        options,
      ),
    ).toBe(true)
    expect(calls).toEqual([
      ['1', '2', '3'],
      ['2', '3'],
    ])
  })

  test('a batch that fails as a whole is cut in two until the bad record is alone and given up', async () => {
    const { calls, givenUp, options } = setUp((numbers) => (numbers.includes('3') ? thrown : taken))
    expect(
      await deliver(
        [1, 2, 3, 4].map((n) => recordAt(n)),
        'shard',
        options,
      ),
    ).toBe(true)
    expect(calls).toEqual([['1', '2', '3', '4'], ['1', '2'], ['3', '4'], ['3'], ['3'], ['3'], ['4']])
    expect(givenUp).toMatchObject([
      {
        requestContext: { condition: 'RetryAttemptsExhausted', approximateInvokeCount: 3 },
        DDBStreamBatchInfo: { shardId: 'shard', startSequenceNumber: '3', endSequenceNumber: '3', batchSize: 1 },
      },
    ])
  })

  test('without bisecting the batch comes again as it is', async () => {
    let failures = 2
    const { calls, givenUp, options } = setUp(() => (failures-- > 0 ? thrown : taken), { bisect: false })
    expect(
      await deliver(
        [1, 2].map((n) => recordAt(n)),
        'shard',
        options,
      ),
    ).toBe(true)
    expect(calls).toEqual([
      ['1', '2'],
      ['1', '2'],
      ['1', '2'],
    ])
    expect(givenUp).toEqual([])
  })

  test('a record that the function names and was not given fails the whole batch', async () => {
    const { calls, options } = setUp((numbers) => (numbers.length > 1 ? failing('7') : taken))
    expect(
      await deliver(
        [1, 2].map((n) => recordAt(n)),
        'shard',
        options,
      ),
    ).toBe(true)
    expect(calls).toEqual([['1', '2'], ['1'], ['2']])
  })

  test('records that are too old are given up without a call', async () => {
    const { calls, givenUp, options } = setUp(() => taken)
    expect(await deliver([recordAt(1, 100), recordAt(2)], 'shard', options)).toBe(true)
    expect(calls).toEqual([['2']])
    expect(givenUp).toMatchObject([
      { requestContext: { condition: 'RecordAgeExceeded' }, DDBStreamBatchInfo: { startSequenceNumber: '1' } },
    ])
  })

  test('a stop ends the attempts and says that they are not done', async () => {
    const { options, stopping } = setUp(() => thrown, { maximumRetryAttempts: 1_000 })
    const delivered = deliver([recordAt(1)], 'shard', options)
    setTimeout(() => stopping.abort(), 150)
    expect(await delivered).toBe(false)
  })
})

test('a pattern wants one of the listed values in each of its leaves', () => {
  const [pattern] = functions.relay.trigger.filters
  const record = (eventName: string, row: string) => ({ eventName, dynamodb: { Keys: { row: { S: row } } } })
  expect(matches(pattern, record('INSERT', 'head'))).toBe(true)
  expect(matches(pattern, record('MODIFY', 'head'))).toBe(true)
  expect(matches(pattern, record('REMOVE', 'head'))).toBe(false)
  expect(matches(pattern, record('INSERT', 'done#upload'))).toBe(false)
  expect(matches(pattern, { eventName: 'INSERT' })).toBe(false)
})

describe('the stream of the heads', () => {
  const put = async (db: LocalDynamoDb, process: string, row: string, next: number): Promise<void> => {
    const client = new DynamoDBClient({ endpoint: db.url, region: localRegion, credentials: localCredentials })
    const Item = {
      process: { S: process },
      row: { S: row },
      next: { N: String(next) },
      chain: { B: Buffer.from([1, 2]) },
    }
    await client.send(new PutItemCommand({ TableName: localTableName('heads'), Item }))
    client.destroy()
  }

  const follow = (
    db: LocalDynamoDb,
    invoke: (event: string) => Promise<Outcome>,
    rest: Partial<MappingOptions> = {},
  ) => {
    const mapping = startMapping({
      endpoint: db.url,
      table: localTableName('heads'),
      // Nothing waits for more here.
      trigger: { ...functions.relay.trigger, batchWindow: 0 },
      lambda: { name: 'relay', invoke },
      onGivenUp: () => {},
      onFailure: () => {},
      ...rest,
    })
    onTestFinished(() => mapping.stop())
    return mapping
  }

  const eventually = async (isSo: () => boolean): Promise<void> => {
    await expect.poll(isSo, { timeout: 10_000, interval: 10 }).toBe(true)
  }

  test('heads arrive, other rows do not, and each process stays in order', async () => {
    const db = await startDynamoDb({ keeper: await openTestKeeper() })
    const seen = new Map<string, number[]>()
    let first: StreamRecord | undefined
    let running = 0
    let most = 0
    follow(db, async (event) => {
      most = Math.max(most, ++running)
      for (const record of recordsOf(event)) {
        first ??= record
        const process = String(Reflect.get(Object(record.dynamodb.NewImage?.process), 'S'))
        const next = Number(Reflect.get(Object(record.dynamodb.NewImage?.next), 'N'))
        seen.set(process, [...(seen.get(process) ?? []), next])
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
      running--
      return taken
    })
    await put(db, 'warm', 'head', 0)
    await eventually(() => seen.has('warm'))
    for (let next = 0; next < 10; next++) {
      for (const process of ['a', 'b', 'c', 'd']) {
        await put(db, process, 'head', next)
        await put(db, process, 'done#upload', next)
      }
    }
    await eventually(() => [...seen.values()].flat().length === 41)
    for (const process of ['a', 'b', 'c', 'd']) expect(seen.get(process)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(most).toBeLessThanOrEqual(functions.relay.trigger.parallelization)
    expect(first).toMatchObject({
      eventName: 'INSERT',
      eventSource: 'aws:dynamodb',
      dynamodb: {
        Keys: { process: { S: 'warm' }, row: { S: 'head' } },
        NewImage: { chain: { B: 'AQI=' } },
        StreamViewType: 'NEW_IMAGE',
      },
    })
  })

  test('nothing is lost over a kill of everything, and what was done does not come again', async () => {
    const dir = await temporaryDir()
    const checkpointFile = `${dir}/stream.json`
    const keeper = await openTestKeeper()
    const db = await startDynamoDb({ keeper, dir: `${dir}/dynamodb` })
    const before: string[] = []
    const processOf = ({ dynamodb }: StreamRecord) => String(Reflect.get(Object(dynamodb.Keys.process), 'S'))
    const mapping = follow(
      db,
      async (event) => {
        const processes = recordsOf(event).map(processOf)
        if (processes.includes('later')) return thrown
        before.push(...processes)
        return taken
      },
      { checkpointFile },
    )
    await put(db, 'sooner', 'head', 0)
    await eventually(() => before.includes('sooner'))
    await put(db, 'later', 'head', 0)
    await new Promise((resolve) => setTimeout(resolve, 500))
    await mapping.stop()
    await put(db, 'meanwhile', 'head', 0)
    await db.stop()

    const again = await startDynamoDb({ keeper, dir: `${dir}/dynamodb` })
    const after: string[] = []
    follow(
      again,
      async (event) => {
        after.push(...recordsOf(event).map(processOf))
        return taken
      },
      { checkpointFile },
    )
    await put(again, 'after', 'head', 0)
    await eventually(() => after.length >= 3)
    expect(after.toSorted()).toEqual(['after', 'later', 'meanwhile'])
  })
})
