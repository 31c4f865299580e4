/** The network's height in one row of the heads table: adapter of `core/ports/network-height.ts`. */
import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import type { HeightStore, KnownHeight } from '../../core/ports/network-height.ts'
import type { DynamoDb } from './client.ts'
import { reading, unavailable } from './failures.ts'

/** No process has such an id. */
const KEY = marshall({ process: '~network', row: 'height' })

export function createHeightStore({ client, tables }: DynamoDb<'heads'>): HeightStore {
  const key = { TableName: tables.heads, Key: KEY }
  return {
    read: () =>
      reading(async () => {
        const { Item } = await client.send(new GetItemCommand(key))
        if (!Item) return undefined
        const { height, at } = unmarshall(Item) as KnownHeight
        return { height, at }
      }),

    async write({ height, at }) {
      try {
        await client.send(
          new UpdateItemCommand({
            ...key,
            UpdateExpression: 'SET height = :height, #at = :at',
            ConditionExpression: 'attribute_not_exists(height) OR height <= :height',
            ExpressionAttributeNames: { '#at': 'at' },
            ExpressionAttributeValues: marshall({ ':height': height, ':at': at }),
          }),
        )
      } catch (error) {
        // A gateway that lags behind another one: what is known is newer.
        if (error instanceof Error && error.name === 'ConditionalCheckFailedException') return
        throw unavailable(error)
      }
    },
  }
}
