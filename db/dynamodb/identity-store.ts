/** Whose log this is, in one row of the heads table: adapter of `core/ports/log-identity.ts`. */
import { DescribeTableCommand, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import type { LogIdentity, LogIdentityStore } from '../../core/ports/log-identity.ts'
import type { DynamoDb } from './client.ts'
import { reading, unavailable } from './failures.ts'

/** No process has such an id. */
const KEY = { process: '~log', row: 'identity' }

export function createIdentityStore({ client, tables }: DynamoDb): LogIdentityStore {
  return {
    actualTables: () =>
      reading(async () => {
        const names = [tables.heads, tables.records, tables.ids]
        const described = await Promise.all(
          names.map((TableName) => client.send(new DescribeTableCommand({ TableName }))),
        )
        // A table's id is DynamoDB's own: a restored table has the data and perhaps the name, but never the id.
        return described.map(({ Table }) => Table?.TableId ?? '').join(' ')
      }),

    recorded: () =>
      reading(async () => {
        const { Item } = await client.send(
          new GetItemCommand({ TableName: tables.heads, Key: marshall(KEY), ConsistentRead: true }),
        )
        if (!Item) return undefined
        const { wallet, owner, tables: names } = unmarshall(Item) as Omit<LogIdentity, 'owner'> & { owner: Uint8Array }
        return { wallet, owner: Buffer.from(owner), tables: names }
      }),

    async begin(identity) {
      try {
        await client.send(
          new PutItemCommand({
            TableName: tables.heads,
            Item: marshall({ ...KEY, ...identity }),
            ConditionExpression: 'attribute_not_exists(process)',
          }),
        )
        return true
      } catch (error) {
        if (error instanceof Error && error.name === 'ConditionalCheckFailedException') return false
        throw unavailable(error)
      }
    },
  }
}
