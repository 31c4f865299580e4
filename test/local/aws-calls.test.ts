/** Requests to DynamoDB and S3 as IAM judges them. */
import { BatchWriteItemCommand, DynamoDBClient, ScanCommand, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb'
import { HeadBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { expect, onTestFinished, test } from 'vitest'
import { type AwsCall, accessKeyOf, callerOf, dynamodbCalls, recordCalls, s3Call } from '../../local/aws-calls.ts'
import { localRegion } from '../../local/dynamodb.ts'
import { startProxy } from '../../local/proxy.ts'
import { startOutsideServer } from '../network/outside-server.ts'

test('a transaction is the calls that it holds, a batch its own action, each on its row', () => {
  const on = (table: string, key: string) => ({ table, key })
  const row = (process: string) => ({ process: { S: process }, row: { S: 'head' } })
  const TransactItems = [
    { Update: { TableName: 'su-heads', Key: row('P') } },
    { Put: { TableName: 'su-records', Item: { pk: { S: 'P/1' } } } },
    { ConditionCheck: { TableName: 'su-ids', Key: { id: { S: 'I' }, at: { S: 'x' } } } },
    { Delete: { TableName: 'su-placements', Key: { process: { S: 'P' } } } },
  ]
  expect(dynamodbCalls('DynamoDB_20120810.TransactWriteItems', { TransactItems })).toEqual([
    { action: 'dynamodb:UpdateItem', on: on('heads', 'P') },
    { action: 'dynamodb:PutItem', on: on('records', 'P/1') },
    { action: 'dynamodb:ConditionCheckItem', on: on('ids', 'I') },
    { action: 'dynamodb:DeleteItem', on: on('placements', 'P') },
  ])
  const read = { RequestItems: { 'su-heads': { Keys: [row('P'), row('Q')] } } }
  expect(dynamodbCalls('DynamoDB_20120810.BatchGetItem', read)).toEqual(
    ['P', 'Q'].map((key) => ({ action: 'dynamodb:BatchGetItem', on: on('heads', key) })),
  )
  const Statements = [{ Statement: `INSERT INTO "su-ids" VALUE {'id': ?}` }]
  expect(dynamodbCalls('DynamoDB_20120810.BatchExecuteStatement', { Statements })).toEqual([
    { action: 'dynamodb:PartiQLInsert', on: { table: 'ids', key: undefined } },
  ])
  expect(dynamodbCalls('DynamoDB_20120810.DescribeTable', { TableName: 'others' })).toEqual([
    { action: 'dynamodb:DescribeTable', on: { unknown: 'table others' } },
  ])
})

test('of S3: objects by their keys, the bucket by itself, anything else unknown', () => {
  expect(s3Call('PUT', '/b/items/x/y?x-id=PutObject')).toEqual({
    action: 's3:PutObject',
    on: { bucket: true, key: 'items/x/y' },
  })
  expect(s3Call('HEAD', '/b/items/x%2Fy')).toMatchObject({ action: 's3:GetObject', on: { key: 'items/x/y' } })
  expect(s3Call('HEAD', '/b/')).toEqual({ action: 's3:ListBucket', on: { bucket: true, key: undefined } })
  expect(s3Call('GET', '/b?policy')).toMatchObject({ on: { unknown: expect.stringContaining('policy') } })
  expect(s3Call('DELETE', '/b/items/x')).toMatchObject({ action: 's3:DeleteObject' })
  expect(s3Call('POST', '/b/items/x?uploads')).toMatchObject({ action: 's3:POST' })
})

test('a function is known by its access key, and nobody else is', async () => {
  const server = await startOutsideServer((_, response) => void response.end('{}'))
  onTestFinished(() => server.close())
  const calls: AwsCall[] = []
  const proxy = await startProxy(server.url, { onRequest: recordCalls((call) => calls.push(call)) })
  onTestFinished(() => proxy.stop())

  const clients = (accessKeyId: string) => {
    const settings = {
      endpoint: proxy.url,
      region: localRegion,
      credentials: { accessKeyId, secretAccessKey: 'local' },
    }
    const dynamodb = new DynamoDBClient({ ...settings, maxAttempts: 1 })
    const s3 = new S3Client({ ...settings, forcePathStyle: true, maxAttempts: 1 })
    onTestFinished(() => [dynamodb, s3].forEach((client) => void client.destroy()))
    return { dynamodb, s3 }
  }
  const relay = clients(accessKeyOf('relay'))
  await relay.dynamodb.send(new ScanCommand({ TableName: 'su-heads' }))
  const PutRequest = { Item: { process: { S: '~log' }, row: { S: 'identity' } } }
  await relay.dynamodb.send(new BatchWriteItemCommand({ RequestItems: { 'su-heads': [{ PutRequest }] } }))
  await relay.s3.send(new HeadBucketCommand({ Bucket: 'su-blobs' }))
  await clients('local').dynamodb.send(new TransactWriteItemsCommand({ TransactItems: [] }))
  await clients('local')
    .s3.send(new ListObjectsV2Command({ Bucket: 'su-blobs' }))
    .catch(() => undefined)
  expect(calls).toEqual([
    { caller: 'relay', action: 'dynamodb:Scan', on: { table: 'heads', key: undefined } },
    { caller: 'relay', action: 'dynamodb:BatchWriteItem', on: { table: 'heads', key: '~log' } },
    { caller: 'relay', action: 's3:ListBucket', on: { bucket: true, key: undefined } },
  ])
  expect(callerOf('AWS4-HMAC-SHA256 Credential=AKIAREAL/20261122/us-east-1/s3/aws4_request, x=y')).toBeUndefined()
  expect(callerOf()).toBeUndefined()
})
