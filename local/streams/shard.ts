/** Reads one shard from its checkpoint on and has its records delivered, in order for each key, several keys at a time. */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type DynamoDBStreamsClient,
  ExpiredIteratorException,
  GetRecordsCommand,
  GetShardIteratorCommand,
  TrimmedDataAccessException,
} from '@aws-sdk/client-dynamodb-streams'
import type { StreamTrigger } from '../../infra/functions.ts'
import type { Checkpoints } from './checkpoints.ts'
import { type DeliveryOptions, deliver } from './delivery.ts'
import { matches } from './filter.ts'
import { type StreamRecord, toStreamRecord } from './record.ts'

export interface ShardOptions {
  client: DynamoDBStreamsClient
  streamArn: string
  shardId: string
  region: string
  trigger: StreamTrigger
  delivery: DeliveryOptions
  checkpoints: Checkpoints
  signal: AbortSignal
}

/** No batch waits longer for more locally, ms: a packer would wait for minutes. */
const maxWindowMs = 1_000
/** How long a shard that had nothing new is left alone, ms. */
const idleMs = 40
/** Records that may wait for their delivery; reading waits beyond that. */
const backlog = 2_000

interface Tracked {
  sequenceNumber: string
  done: boolean
}

/** Resolves when the shard is closed and all of it is dealt with, or when the stack stops. Fails where the shard cannot be read. */
export const readShard = async (options: ShardOptions): Promise<void> => {
  const { client, streamArn, shardId, trigger, signal } = options
  const lanes = openLanes(options)
  let iterator = await iteratorFrom(options, options.checkpoints.get(shardId))
  let last = options.checkpoints.get(shardId)
  while (iterator !== undefined && !signal.aborted) {
    if (lanes.waiting() > backlog) {
      await pause(idleMs, signal)
      continue
    }
    try {
      const { Records = [], NextShardIterator } = await client.send(
        new GetRecordsCommand({ ShardIterator: iterator, Limit: 1_000 }),
        { abortSignal: signal },
      )
      iterator = NextShardIterator
      const records = Records.map((record) => toStreamRecord(record, streamArn, options.region))
      last = records.at(-1)?.dynamodb.SequenceNumber ?? last
      for (const record of records)
        lanes.add(
          record,
          trigger.filters.some((filter) => matches(filter, record)),
        )
      if (records.length === 0 && iterator !== undefined) await pause(idleMs, signal)
    } catch (error) {
      if (signal.aborted) break
      if (!(error instanceof ExpiredIteratorException)) throw error
      iterator = await iteratorFrom(options, last)
    }
  }
  await lanes.finished()
}

const pause = (ms: number, signal: AbortSignal): Promise<unknown> => sleep(ms, undefined, { signal }).catch(() => {})

const iteratorFrom = async (
  options: Pick<ShardOptions, 'client' | 'streamArn' | 'shardId' | 'signal'>,
  after: string | undefined,
): Promise<string | undefined> => {
  const { client, streamArn, shardId, signal } = options
  const start = { StreamArn: streamArn, ShardId: shardId }
  try {
    const { ShardIterator } = await client.send(
      new GetShardIteratorCommand(
        after === undefined
          ? { ...start, ShardIteratorType: 'TRIM_HORIZON' }
          : { ...start, ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: after },
      ),
      { abortSignal: signal },
    )
    return ShardIterator
  } catch (error) {
    if (!(error instanceof TrimmedDataAccessException)) throw error
    // The stack was away for longer than the stream keeps its records: the reconciler finds what is missing.
    return iteratorFrom(options, undefined)
  }
}

interface Lanes {
  add(record: StreamRecord, wanted: boolean): void
  waiting(): number
  finished(): Promise<void>
}

/** What happens to one key is delivered in order, since it is always in the same lane. */
const openLanes = ({ shardId, trigger, delivery, checkpoints, signal }: ShardOptions): Lanes => {
  // In the order of the shard; the checkpoint is the last one before which all are done.
  const tracked: Tracked[] = []
  const queues: { record: StreamRecord; tracked: Tracked }[][] = Array.from(
    { length: trigger.parallelization },
    () => [],
  )
  const working = new Map<number, Promise<void>>()

  const advance = (): void => {
    let dealtWith: string | undefined
    while (tracked[0]?.done) dealtWith = tracked.shift()?.sequenceNumber
    if (dealtWith !== undefined) checkpoints.set(shardId, dealtWith)
  }

  const windowMs = Math.min(trigger.batchWindow * 1_000, maxWindowMs)
  const work = async (lane: number): Promise<void> => {
    const queue = queues[lane] ?? []
    while (queue.length > 0) {
      if (queue.length < trigger.batchSize && windowMs > 0) await pause(windowMs, signal)
      const batch = queue.slice(0, trigger.batchSize)
      const records = batch.map(({ record }) => record)
      if (!(await deliver(records, shardId, delivery))) return
      queue.splice(0, batch.length)
      for (const { tracked: one } of batch) one.done = true
      advance()
    }
  }

  return {
    add(record, wanted) {
      const one: Tracked = { sequenceNumber: record.dynamodb.SequenceNumber, done: !wanted }
      tracked.push(one)
      if (!wanted) {
        advance()
        return
      }
      const lane = laneOf(record, trigger.parallelization)
      queues[lane]?.push({ record, tracked: one })
      if (working.has(lane)) return
      // Begins after everything that was read along with it has been added.
      const worked = Promise.resolve()
        .then(() => work(lane))
        .finally(() => working.delete(lane))
      working.set(lane, worked)
    },
    waiting: () => tracked.length,
    async finished() {
      await Promise.all(working.values())
    },
  }
}

const laneOf = ({ dynamodb }: StreamRecord, lanes: number): number =>
  createHash('sha256').update(JSON.stringify(dynamodb.Keys)).digest().readUInt32BE() % lanes
