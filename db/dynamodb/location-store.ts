/** The published location item in one row of the heads table: adapter of `core/ports/location-store.ts`. */
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { marshall } from '@aws-sdk/util-dynamodb'
import type { LocationStore } from '../../core/ports/location-store.ts'
import type { DynamoDb } from './client.ts'
import { reading, unavailable } from './failures.ts'

/** No process has such an id. */
const KEY = { process: '~network', row: 'location' }

export function createLocationStore({ client, tables }: DynamoDb<'heads'>): LocationStore {
  return {
    published: () =>
      reading(async () => {
        const command = new GetItemCommand({ TableName: tables.heads, Key: marshall(KEY), ConsistentRead: true })
        const { Item } = await client.send(command)
        return Item?.item?.B && Buffer.from(Item.item.B)
      }),

    async publish(item) {
      try {
        await client.send(new PutItemCommand({ TableName: tables.heads, Item: marshall({ ...KEY, item }) }))
      } catch (error) {
        throw unavailable(error)
      }
    },
  }
}
