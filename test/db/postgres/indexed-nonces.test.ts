import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase } from '../../../db/postgres/client.ts'
import { createIndexedNonces } from '../../../db/postgres/indexed-nonces.ts'
import { createMetadataIndex } from '../../../db/postgres/metadata-index.ts'
import { indexedNoncesSuite } from '../../suites/indexed-nonces.ts'
import { startDatabase, type TestDatabase } from './world.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await startDatabase()
}, 60_000)
afterAll(() => database.stop())

const client = () => createDatabase({ url: database.url, proxyUrl: database.proxyUrl })

indexedNoncesSuite('Postgres', () => ({
  index: createMetadataIndex(client()),
  nonces: createIndexedNonces(client()),
}))

it('tells of more processes than it asks for at once', async () => {
  const insert = `insert into processes (id, timestamp, block_height) select 'many-' || n, 1, 1 from generate_series(1, 2500) n`
  await database.rows(insert)
  await database.rows(
    `insert into messages (process, nonce, kind, id, timestamp, time_key, block_height) select 'many-' || n, n, 'message', 'x', 1, 1, 1 from generate_series(1, 2500) n`,
  )
  const found: { process: string; nonce: number }[] = []
  for await (const page of createIndexedNonces(client()).ends()) found.push(...page)
  const many = found.filter(({ process }) => process.startsWith('many-'))
  expect(new Set(many.map(({ process }) => process)).size).toBe(2500)
  expect(many.every(({ process, nonce }) => process === `many-${nonce}`)).toBe(true)
})

it('is unavailable where Postgres is', async () => {
  const nonces = createIndexedNonces(createDatabase({ url: database.url, proxyUrl: 'http://127.0.0.1:9' }))
  const calls = [nonces.ends()[Symbol.asyncIterator]().next(), nonces.between('p', 0, 1), nonces.forget('p', 0)]
  for (const outcome of await Promise.allSettled(calls)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } })
  }
})
