/** The relay's memory in DynamoDB keeps to the behaviours of its port. */
import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { toHeadRow } from '../../../db/dynamodb/head-row.ts'
import { createRelayStore } from '../../../db/dynamodb/relay-store.ts'
import { relayStoreBehaviours } from '../../suites/relay-store.ts'
import { useDynamoDb } from './local.ts'

const db = useDynamoDb()
relayStoreBehaviours('DynamoDB', () => ({
  store: createRelayStore(db()),
  async moveHead(process, next, firstNonce = 0) {
    const head = { timestamp: 1, blockHeight: 1, epoch: 0, settlementDepth: 20, state: 'open' } as const
    const Item = toHeadRow({ process, next, firstNonce, ...head })
    await db().client.send(new PutItemCommand({ TableName: db().tables.heads, Item }))
  },
}))
