/** What nothing can beat, measured in the same run: bare signatures, and bare transactions of the same rows. */
import { randomBytes, randomUUID } from 'node:crypto'
import { type DynamoDBClient, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb'
import type { Signer } from '../core/ans104/signer.ts'

/** Signatures a second, one after the other, as a hash chain wants them. */
export async function signatureRate(wallet: Signer, count = 300): Promise<number> {
  const begin = performance.now()
  for (let i = 0; i < count; i++)
    await wallet.sign({ anchor: randomBytes(32), tags: [{ name: 'Nonce', value: String(i) }] })
  return (count * 1000) / (performance.now() - begin)
}

/** Transactions a second, one after the other, of the rows of one message of 2 KB. */
export async function transactionRate(
  client: DynamoDBClient,
  tables: { heads: string; records: string; ids: string },
  count = 300,
): Promise<number> {
  const process = `bench-${randomUUID()}`
  const item = { B: randomBytes(3_500) }
  const begin = performance.now()
  for (let i = 0; i < count; i++) {
    const id = randomUUID()
    await client.send(
      new TransactWriteItemsCommand({
        TransactItems: [
          {
            Update: {
              TableName: tables.heads,
              Key: { process: { S: process }, row: { S: 'bench' } },
              UpdateExpression: 'SET #n = :n',
              ExpressionAttributeNames: { '#n': 'n' },
              ExpressionAttributeValues: { ':n': { N: String(i) } },
            },
          },
          { Put: { TableName: tables.records, Item: { pk: { S: `${process}/${i}` }, item } } },
          { Put: { TableName: tables.ids, Item: { id: { S: id }, at: { S: 'bench' } } } },
          { Put: { TableName: tables.ids, Item: { id: { S: id }, at: { S: 'bench 2' } } } },
        ],
      }),
    )
  }
  return (count * 1000) / (performance.now() - begin)
}
