/** Many rows by their keys, by BatchGetItem: whatever DynamoDB leaves unprocessed is asked for again. */
import { BatchGetItemCommand } from '@aws-sdk/client-dynamodb'
import pMap from 'p-map'
import pRetry from 'p-retry'
import type { DynamoDb } from './client.ts'
import type { Attributes } from './head-row.ts'

/** Of the 100 that a call may have: several calls at once are answered sooner than one, and what comes first is read while the others are on their way. */
const KEYS_A_CALL = 32
const CALLS_AT_ONCE = 16

export interface BatchGetOptions {
  consistent: boolean
  /** Ends the calls that are under way. */
  abortSignal?: AbortSignal
  /** Fewer for rows that are known to be large. */
  keysACall?: number
  projection?: { expression: string; names: Record<string, string> }
}

/** The rows that are there, in no order. Throws what the SDK throws. */
export async function batchGet(
  { client }: Pick<DynamoDb, 'client'>,
  table: string,
  keys: readonly Attributes[],
  { consistent, abortSignal, keysACall = KEYS_A_CALL, projection }: BatchGetOptions,
): Promise<Attributes[]> {
  const calls = Math.ceil(keys.length / keysACall)
  const size = Math.ceil(keys.length / Math.max(1, calls))
  const batches = Array.from({ length: calls }, (_, i) => keys.slice(i * size, (i + 1) * size))
  const rows = await pMap(
    batches,
    async (batch) => {
      const found: Attributes[] = []
      let left: Attributes[] = batch
      // Unprocessed keys mean throttling, or more than 16 MB: each call brings some.
      await pRetry(
        async () => {
          while (left.length > 0) {
            const asked = left.length
            const { Responses, UnprocessedKeys } = await client.send(
              new BatchGetItemCommand({
                RequestItems: {
                  [table]: {
                    Keys: left,
                    ConsistentRead: consistent,
                    ...(projection && {
                      ProjectionExpression: projection.expression,
                      ExpressionAttributeNames: projection.names,
                    }),
                  },
                },
              }),
              { ...(abortSignal && { abortSignal }) },
            )
            found.push(...(Responses?.[table] ?? []))
            left = UnprocessedKeys?.[table]?.Keys ?? []
            if (left.length === asked) throw new Error('every key was left unprocessed')
          }
        },
        { retries: 5, minTimeout: 20, maxTimeout: 1_000, randomize: true },
      )
      return found
    },
    { concurrency: CALLS_AT_ONCE },
  )
  return rows.flat()
}
