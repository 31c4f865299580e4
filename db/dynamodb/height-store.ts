/** The network's height in one row of the heads table: adapter of `core/ports/network-height.ts`. */
import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import type { HeightStore, KnownHeight } from '../../core/ports/network-height.ts'
import type { DynamoDb } from './client.ts'
import { writeOnCondition } from './conditional-write.ts'
import { reading } from './failures.ts'

/** No process has such an id. */
const KEY = marshall({ process: '~network', row: 'height' })

export function createHeightStore({ client, tables }: DynamoDb<'heads'>): HeightStore {
  const key = { TableName: tables.heads, Key: KEY }
  return {
    read: () =>
      reading(async () => {
        const { Item } = await client.send(new GetItemCommand(key))
        if (!Item) return undefined
        // Rows of older versions do not say since when.
        const { height, at, since = at } = unmarshall(Item) as Omit<KnownHeight, 'since'> & Partial<KnownHeight>
        return { height, at, since }
      }),

    async replace(from, { height, at, since }) {
      const command = new UpdateItemCommand({
        ...key,
        UpdateExpression: 'SET height = :height, #at = :at, since = :since',
        ConditionExpression: from ? 'height = :before' : 'attribute_not_exists(height)',
        ExpressionAttributeNames: { '#at': 'at' },
        ExpressionAttributeValues: marshall(
          { ':height': height, ':at': at, ':since': since, ':before': from?.height },
          { removeUndefinedValues: true },
        ),
      })
      await writeOnCondition((options) => client.send(command, options))
    },
  }
}
