/** The log's adapters from configuration. */
import { createDynamoDb, type DynamoDb } from '../../db/dynamodb/client.ts'
import type { HeightConfig, RelayConfig } from '../config/functions.ts'

export const openLog = ({ headsTable, recordsTable, idsTable, dynamodbEndpoint }: RelayConfig['store']): DynamoDb =>
  createDynamoDb({ heads: headsTable, records: recordsTable, ids: idsTable }, dynamodbEndpoint)

/** For functions that need no more than heads and watermarks. */
export const openHeads = ({ headsTable, dynamodbEndpoint }: HeightConfig['heads']): DynamoDb<'heads'> =>
  createDynamoDb({ heads: headsTable }, dynamodbEndpoint)
