/** The stores of the stack, for themselves: what is acknowledged stays, and the drivers find what they expect. */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DynamoDBClient, GetItemCommand, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { neon, neonConfig, Pool } from '@neondatabase/serverless'
import { expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { localCredentials, localRegion, localTableName, startDynamoDb } from '../../local/dynamodb.ts'
import { freePort } from '../../local/free-port.ts'
import { latencyOf, startLatencyProxy } from '../../local/latency-proxy.ts'
import { removePlace } from '../../local/postgres/place.ts'
import { startPostgresWithNeon } from '../../local/postgres.ts'
import { openKeeper } from '../../local/processes/keeper.ts'
import { startS3 } from '../../local/s3.ts'
import { temporaryDir } from './host.ts'

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

test('a transaction that was answered just before a kill is there after it', async () => {
  const dir = await temporaryDir()
  const clientOf = (endpoint: string) =>
    new DynamoDBClient({ endpoint, region: localRegion, credentials: localCredentials })
  const TableName = localTableName('records')
  const written: string[] = []
  for (let round = 0; round < 3; round++) {
    const keeper = await openKeeper()
    const db = await startDynamoDb({ dir, keeper })
    const client = clientOf(db.url)
    for (const id of written) {
      const Key = { pk: { S: id } }
      expect((await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }))).Item).toBeDefined()
    }
    for (let index = 0; index < 10; index++) {
      const puts = ['a', 'b'].map((part) => ({ Put: { TableName, Item: { pk: { S: `${round} ${index} ${part}` } } } }))
      await client.send(new TransactWriteItemsCommand({ TransactItems: puts }))
      written.push(`${round} ${index} a`, `${round} ${index} b`)
    }
    await keeper.close('kill')
  }
})

test('a DynamoDB whose port somebody else has does not start, and does not take the other one for itself', async () => {
  const other = await startS3()
  onTestFinished(() => other.stop())
  await expect(startDynamoDb({ port: other.port })).rejects.toThrow(`Port ${other.port}, for DynamoDB Local, is taken`)
})

test('free ports differ, and are none that are given to whoever asks for any', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, () => freePort()))
  expect(new Set(ports).size).toBe(50)
  expect(Math.max(...ports)).toBeLessThan(32_768)
})

test('objects of 5 MB come back unchanged after a restart', async () => {
  const dir = await temporaryDir()
  const body = randomBytes(5_000_000)
  const clientOf = (endpoint: string) =>
    new S3Client({ endpoint, region: localRegion, credentials: localCredentials, forcePathStyle: true })
  const first = await startS3({ dir })
  const Bucket = first.variables.BUCKET ?? ''
  await clientOf(first.url).send(new PutObjectCommand({ Bucket, Key: 'a/b', Body: body }))
  await first.stop()
  const second = await startS3({ dir })
  onTestFinished(() => second.stop())
  const { Body } = await clientOf(second.url).send(new GetObjectCommand({ Bucket, Key: 'a/b' }))
  expect(digest((await Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(digest(body))
})

test("Neon's driver speaks to Postgres: values, transactions, errors, sessions, and after a restart", async () => {
  const dir = await temporaryDir()
  const first = await startPostgresWithNeon({ dir })
  onTestFinished(() => {
    Object.assign(neonConfig, { fetchEndpoint: undefined, wsProxy: undefined, webSocketConstructor: undefined })
  })
  const use = (proxyUrl: string) => {
    neonConfig.fetchEndpoint = `${proxyUrl}/sql`
    neonConfig.wsProxy = (host, port) => `${new URL(proxyUrl).host}/v1?address=${host}:${port}`
    neonConfig.useSecureWebSocket = false
    neonConfig.pipelineConnect = false
    neonConfig.webSocketConstructor = WebSocket
  }
  use(first.proxyUrl)
  const sql = neon(first.databaseUrl)
  await sql`create table things (id text primary key, body bytea, tags text[])`
  const body = Buffer.from([0, 1, 255])
  const results = await sql.transaction(
    [sql`insert into things values ('a', ${body}, ${['x', 'ö']})`, sql`select * from things`],
    { isolationLevel: 'RepeatableRead' },
  )
  expect(results[1]).toEqual([{ id: 'a', body, tags: ['x', 'ö'] }])
  await expect(sql`insert into things values ('a')`).rejects.toMatchObject({ code: '23505', constraint: 'things_pkey' })
  await expect(
    sql.transaction([sql`insert into things values ('b')`, sql`insert into things values ('a')`]),
  ).rejects.toMatchObject({ code: '23505' })
  expect(await sql`select count(*)::int as n from things`).toEqual([{ n: 1 }])

  const pool = new Pool({ connectionString: first.databaseUrl })
  expect((await pool.query('select $1::int + 1 as n', [41])).rows).toEqual([{ n: 42 }])
  await pool.end()
  await first.stop()

  const second = await startPostgresWithNeon({ dir })
  onTestFinished(() => second.stop())
  use(second.proxyUrl)
  expect(await neon(second.databaseUrl)`select id from things`).toEqual([{ id: 'a' }])
  await second.postgres.stop()
  await expect(neon(second.databaseUrl)`select 1`).rejects.toThrow('500')
})

test('Postgres runs also where its user may not go, and its data stays', async () => {
  const dir = join(await temporaryDir(), 'nobody', 'may', 'look')
  await mkdir(dir, { recursive: true, mode: 0o700 })
  onTestFinished(() => removePlace(join(dir, 'postgres')))
  const first = await startPostgresWithNeon({ dir })
  neonConfig.fetchEndpoint = `${first.proxyUrl}/sql`
  await neon(first.databaseUrl)`create table kept (id text)`
  await first.stop()
  const second = await startPostgresWithNeon({ dir })
  neonConfig.fetchEndpoint = `${second.proxyUrl}/sql`
  expect(await neon(second.databaseUrl)`select * from kept`).toEqual([])
  await second.stop()
  removePlace(join(dir, 'postgres'))
  expect(existsSync(join(dir, 'postgres'))).toBe(false)
})

test('a slowed service takes about as much longer as was asked, and now and then three times that', async () => {
  const s3 = await startS3()
  onTestFinished(() => s3.stop())
  const slow = await startLatencyProxy(s3.url, 50)
  onTestFinished(() => slow.stop())
  const began = performance.now()
  expect((await fetch(`${slow.url}/health`)).status).toBe(200)
  expect(performance.now() - began).toBeGreaterThan(44)
  expect([latencyOf(10, 0.5, 0), latencyOf(10, 0.5, 1), latencyOf(10, 0.001, 1)]).toEqual([9, 11, 30])
})
