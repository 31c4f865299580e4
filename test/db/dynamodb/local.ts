/** The run's DynamoDB Local, with the tables of infra/tables.ts in a namespace of the test file's own. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import { createDynamoDb, type DynamoDb, type Tables } from '../../../db/dynamodb/client.ts'
import { tables as unitTables } from '../../../infra/tables.ts'
import { localCredentials, localRegion, localTableName, makeTables } from '../../../local/dynamodb.ts'
import { service } from '../../services.ts'

/** Makes the tables before the file's tests. */
export function useDynamoDb(): () => DynamoDb<keyof Tables> {
  let db: DynamoDb<keyof Tables> | undefined
  beforeAll(async () => {
    const { url } = await service('dynamodb')
    process.env.AWS_REGION = localRegion
    process.env.AWS_ACCESS_KEY_ID = randomBytes(8).toString('hex')
    process.env.AWS_SECRET_ACCESS_KEY = localCredentials.secretAccessKey
    const tables = { heads: localTableName('heads'), records: localTableName('records'), ids: localTableName('ids') }
    db = createDynamoDb({ ...tables, submissions: localTableName('submissions') }, url)
    await makeTables(db.client, unitTables)
  })
  afterAll(() => db?.client.destroy())
  return () => {
    if (!db) throw new Error('DynamoDB is there from the first beforeAll on, not at import time.')
    return db
  }
}
