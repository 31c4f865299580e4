/** A DynamoDB of its own for a test file, in memory, with the tables of infra/tables.ts. */
import { afterAll, beforeAll } from 'vitest'
import { createDynamoDb, type DynamoDb, type Tables } from '../../../db/dynamodb/client.ts'
import { type LocalDynamoDb, localCredentials, localRegion, startDynamoDb } from '../../../local/dynamodb.ts'

/** Starts one before the file's tests and ends it after them. */
export function useDynamoDb(): () => DynamoDb<keyof Tables> {
  let local: LocalDynamoDb | undefined
  let db: DynamoDb<keyof Tables> | undefined
  beforeAll(async () => {
    process.env.AWS_REGION = localRegion
    process.env.AWS_ACCESS_KEY_ID = localCredentials.accessKeyId
    process.env.AWS_SECRET_ACCESS_KEY = localCredentials.secretAccessKey
    local = await startDynamoDb()
    const { HEADS_TABLE = '', RECORDS_TABLE = '', IDS_TABLE = '', OFFERS_TABLE = '' } = local.variables
    const tables = { heads: HEADS_TABLE, records: RECORDS_TABLE, ids: IDS_TABLE, offers: OFFERS_TABLE }
    db = createDynamoDb(tables, local.url)
  }, 60_000)
  afterAll(async () => {
    db?.client.destroy()
    await local?.stop()
  })
  return () => {
    if (!db) throw new Error('DynamoDB is started before each file, not at import time')
    return db
  }
}
