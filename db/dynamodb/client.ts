/** DynamoDB clients, made at the edge once per instance, and the names of the tables. */
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { NodeHttpHandler } from '@smithy/node-http-handler'

export interface Tables {
  heads: string
  records: string
  ids: string
  submissions: string
}

/** @typeParam T the tables that its user knows of: a function is told only of those that it needs */
export interface DynamoDb<T extends keyof Tables = 'heads' | 'records' | 'ids'> {
  client: DynamoDBClient
  tables: Pick<Tables, T>
}

/** One attempt, ms; the SDK makes up to three. A commit's token makes that safe: the same commit happens once. */
const REQUEST_TIMEOUT_MS = 2_500

export interface ClientOptions {
  /** The function's own unless said otherwise. */
  region?: string | undefined
  /** For a DynamoDB that is not AWS's. */
  endpoint?: string | undefined
}

export function createDynamoDbClient({ region, endpoint }: ClientOptions = {}): DynamoDBClient {
  // A page of 1000 records asks for ten batches at once, and an instance may serve many requests.
  const sockets = { keepAlive: true, maxSockets: 128 }
  const client = new DynamoDBClient({
    ...(region && { region }),
    ...(endpoint && { endpoint }),
    maxAttempts: 3,
    // What DynamoDB sends is base64; the SDK's own way proves that with a pattern over every byte, which took a third of reading records.
    base64Decoder: (text) => Buffer.from(text, 'base64'),
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 1_000,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
      httpAgent: new HttpAgent(sockets),
      httpsAgent: new HttpsAgent(sockets),
    }),
  })
  // It copies all that is sent and comes, for a logger that there is none of.
  client.middlewareStack.remove('loggerMiddleware')
  return client
}

export const createDynamoDb = <T extends keyof Tables>(tables: Pick<Tables, T>, endpoint?: string): DynamoDb<T> => ({
  client: createDynamoDbClient({ endpoint }),
  tables,
})
