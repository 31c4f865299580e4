/** The event source mapping: follows a table's stream, shard by shard, parents before their children. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  ListStreamsCommand,
  type Shard,
} from '@aws-sdk/client-dynamodb-streams'
import type { StreamTrigger } from '../../infra/functions.ts'
import { localCredentials, localRegion } from '../dynamodb.ts'
import type { LambdaFunction } from '../lambda/function.ts'
import { openCheckpoints } from './checkpoints.ts'
import type { GivenUp } from './delivery.ts'
import { readShard } from './shard.ts'

export interface MappingOptions {
  /** DynamoDB's address. */
  endpoint: string
  table: string
  trigger: StreamTrigger
  lambda: Pick<LambdaFunction, 'name' | 'invoke'>
  /** Where it remembers how far it got; none: a start begins with the oldest record. */
  checkpointFile?: string
  onGivenUp(givenUp: GivenUp): void
  /** What went wrong with a call or with the stream, for the log. */
  onFailure(message: string): void
}

export interface Mapping {
  stop(): Promise<void>
}

/** How often new shards are looked for, ms; also at once when one is closed. */
const discoveryMs = 2_000

export const startMapping = (options: MappingOptions): Mapping => {
  const { lambda, trigger, onGivenUp, onFailure } = options
  const client = new DynamoDBStreamsClient({
    endpoint: options.endpoint,
    region: localRegion,
    credentials: localCredentials,
  })
  const stopping = new AbortController()
  const { signal } = stopping
  const checkpoints = openCheckpoints(options.checkpointFile)
  const delivery = {
    trigger,
    functionName: lambda.name,
    invoke: (event: string) => lambda.invoke(event),
    onGivenUp,
    onFailure,
    signal,
  }
  const reading = new Map<string, Promise<void>>()
  const done = new Set<string>()
  let look = Promise.withResolvers<void>()

  const read = async (streamArn: string, shardId: string): Promise<void> => {
    try {
      await readShard({ client, streamArn, shardId, region: localRegion, trigger, delivery, checkpoints, signal })
      if (signal.aborted) return
      done.add(shardId)
      look.resolve()
    } catch (error) {
      // It is begun again from its checkpoint, at the next look.
      if (!signal.aborted) onFailure(`The stream could not be read: ${error}`)
    } finally {
      reading.delete(shardId)
    }
  }

  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        const streamArn = await findStream(client, options.table, signal)
        const shards = await listShards(client, streamArn, signal)
        const ids = shards.map(({ ShardId }) => ShardId ?? '')
        checkpoints.keepOnly(ids)
        for (const { ShardId = '', ParentShardId = '' } of shards) {
          const parentIsDone = !ids.includes(ParentShardId) || done.has(ParentShardId)
          if (!parentIsDone || done.has(ShardId) || reading.has(ShardId)) continue
          reading.set(ShardId, read(streamArn, ShardId))
        }
      } catch (error) {
        if (!signal.aborted) onFailure(`The stream could not be looked at: ${error}`)
      }
      await Promise.race([look.promise, sleep(discoveryMs, undefined, { signal }).catch(() => {})])
      look = Promise.withResolvers()
    }
  }
  const following = follow()

  return {
    async stop() {
      stopping.abort()
      await following
      await Promise.all(reading.values())
      checkpoints.flush()
      client.destroy()
    },
  }
}

const findStream = async (client: DynamoDBStreamsClient, table: string, signal: AbortSignal): Promise<string> => {
  const { Streams = [] } = await client.send(new ListStreamsCommand({ TableName: table }), { abortSignal: signal })
  // Streams of tables that had the name before are kept for a day. Labels are times.
  const newestLast = Streams.toSorted((a, b) => ((a.StreamLabel ?? '') < (b.StreamLabel ?? '') ? -1 : 1))
  const arn = newestLast.at(-1)?.StreamArn
  if (arn === undefined) throw new Error(`The table ${table} has no stream`)
  return arn
}

const listShards = async (client: DynamoDBStreamsClient, arn: string, signal: AbortSignal): Promise<Shard[]> => {
  const shards: Shard[] = []
  let after: string | undefined
  do {
    const { StreamDescription } = await client.send(
      new DescribeStreamCommand({ StreamArn: arn, ...(after === undefined ? {} : { ExclusiveStartShardId: after }) }),
      { abortSignal: signal },
    )
    shards.push(...(StreamDescription?.Shards ?? []))
    after = StreamDescription?.LastEvaluatedShardId
  } while (after !== undefined)
  return shards
}
