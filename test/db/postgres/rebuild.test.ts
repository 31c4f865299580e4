/** `metadata rebuild` and `metadata verify` over a real Postgres. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase } from '../../../db/postgres/client.ts'
import { createIndexedNonces } from '../../../db/postgres/indexed-nonces.ts'
import { createMetadataIndex } from '../../../db/postgres/metadata-index.ts'
import { run } from '../../../operator/run.ts'
import { RelayWorld } from '../../core/relay/world.ts'
import { closed } from '../../operator/workplace.ts'
import { startDatabase, type TestDatabase } from './world.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await startDatabase()
}, 60_000)
afterAll(() => database.stop())

it('fills a database that was replaced, and mends rows that were cut short', async () => {
  const fixture = new RelayWorld()
  const client = createDatabase({ url: database.url, proxyUrl: database.proxyUrl })
  const parts = { ...fixture.deps, index: createMetadataIndex(client), nonces: createIndexedNonces(client) }
  const su = async (...args: string[]) => {
    const said: string[] = []
    const say = (line: string) => said.push(line)
    const exit = await run(['metadata', ...args], { ...closed, metadata: () => parts, print: say, complain: say })
    return { exit, said }
  }
  const processes = [await fixture.spawn(700), await fixture.spawn(2, { assigned: false }), await fixture.spawn(0)]
  for (const process of processes) {
    const progress = await fixture.store.progress(process)
    if (progress) await fixture.store.advance(process, { metadata: { from: undefined, to: progress.next } })
  }
  const [large = ''] = processes

  const lost = await su('verify', '--all')
  expect(lost.exit).toBe(1)
  expect(lost.said).toContain(`${large}: 701 rows missing, nonces 0 to 700.`)
  expect((await su('rebuild', '--all')).exit).toBe(0)
  expect(await su('verify', '--all')).toEqual({ exit: 0, said: ['3 processes complete, 0 incomplete.'] })

  const rows = () => database.rows('select * from messages order by process, nonce')
  const whole = await rows()
  expect(whole).toHaveLength(705)
  expect(whole.every(({ owner, shortened }) => typeof owner === 'string' && shortened === null)).toBe(true)
  const cut = `set owner = null, tags = '{}', shortened = 'refused'`
  await database.rows(`update messages ${cut} where nonce in (0, 7, 700)`)
  await database.rows(`update processes ${cut}`)
  await database.rows('delete from messages where process = $1 and nonce = 300', [large])
  expect(await su('verify', large)).toEqual({
    exit: 1,
    said: [`${large}: 1 row missing, nonces 0 to 700.`, '0 processes complete, 1 incomplete.'],
  })
  expect((await su('rebuild', processes.join())).exit).toBe(0)
  expect(await rows()).toEqual(whole)
  expect(await database.rows('select id from processes where shortened is not null')).toEqual([])
}, 60_000)
