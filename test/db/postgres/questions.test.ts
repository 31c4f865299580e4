/** The questions of docs/metadata.md, run as they stand there, against rows to which the answers are known. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../../db/postgres/client.ts'
import { createMetadataIndex } from '../../../db/postgres/metadata-index.ts'
import { metadataOf, randomId } from '../../suites/metadata-index.ts'
import { startDatabase, type TestDatabase } from './world.ts'

const questions = [...readFileSync('docs/metadata.md', 'utf8').matchAll(/```sql\n([\s\S]*?)```/g)].map(
  ([, text]) => text ?? '',
)

describe('the questions', () => {
  let database: TestDatabase
  const [process, other, owner, module, assignment] = [randomId(), randomId(), randomId(), randomId(), randomId()]
  const at = Date.parse('2026-11-22T16:30:00Z')

  beforeAll(async () => {
    database = await startDatabase()
    const index = createMetadataIndex(createDatabase({ url: database.url, proxyUrl: database.proxyUrl }))
    const place = (nonce: number) => ({ timestamp: at + nonce, timeKey: at + nonce })
    const transfer = (quantity: string) => [
      { name: 'Action', value: 'Transfer' },
      { name: 'Quantity', value: quantity },
    ]
    await index.index([
      metadataOf(process, 0, {
        ...place(0),
        tags: [
          { name: 'Module', value: module },
          { name: 'Name', value: 'Token' },
        ],
      }),
      metadataOf(process, 1, { ...place(1), owner, tags: transfer('1'), assignmentId: assignment }),
      ...[2, 3].map((nonce) => metadataOf(process, nonce, { ...place(nonce), owner, tags: transfer(`${nonce}`) })),
      metadataOf(process, 4, { ...place(4), tags: [{ name: 'Quantity', value: 'Transfer' }] }),
      metadataOf(other, 7, { ...place(3_600_000), owner, tags: transfer('7') }),
      metadataOf(other, 8, { ...place(3_600_001), unreadable: true, tags: [] }),
    ])
    // Enough rows for the planner to prefer an index wherever one serves.
    await database.rows(`
      insert into messages (process, nonce, kind, id, assignment_id, owner, timestamp, time_key, block_height, bytes, tags)
      select 'process ' || n % 97, n, 'message', 'id ' || n, 'assignment ' || n, 'owner ' || n % 23, n * 10, n * 10, 1, 1,
        jsonb_build_object('Action', jsonb_build_array('Test'), 'Reference', jsonb_build_array(n::text))
      from generate_series(1, 20000) n`)
    await database.rows('analyze')
  }, 60_000)
  afterAll(() => database.stop())

  const ask = (n: number) =>
    (questions[n] ?? '')
      .replaceAll('OWNER_ADDRESS_43_CHARACTERS', owner)
      .replaceAll('PROCESS_ID_43_CHARACTERS', process)
      .replaceAll('MODULE_ID_43_CHARACTERS', module)
      .replaceAll('ASSIGNMENT_ID_43_CHARACTERS', assignment)

  it('are answered', async () => {
    const nonces = (rows: Record<string, unknown>[]) => rows.map(({ nonce }) => Number(nonce))
    expect(questions).toHaveLength(8)
    expect(nonces(await database.rows(ask(0)))).toEqual([7, 3, 2, 1])
    const transfers = await database.rows(ask(1))
    expect(transfers.map(({ quantity }) => quantity)).toEqual(['3', '2', '1'])
    expect(await database.rows(ask(2))).toEqual([{ process, messages: '5', bytes: '7500', first: '0', last: '4' }])
    expect(await database.rows(ask(3))).toEqual([
      { action: 'Transfer', messages: '3', owners: '1' },
      { action: '(none)', messages: '1', owners: '1' },
    ])
    expect(await database.rows(ask(4))).toMatchObject([{ id: process, name: 'Token', nonce: '4' }])
    expect(nonces(await database.rows(ask(5)))).toEqual([8])
    expect(await database.rows(ask(6))).toMatchObject([{ process, nonce: '1' }])
    expect(nonces(await database.rows(ask(7))).slice(0, 4)).toEqual([2, 1, 0, 20_000])
  })

  const planOf = async (question: string): Promise<string> =>
    (await database.rows(`explain ${question}`)).map((row) => row['QUERY PLAN']).join('\n')

  it('are answered from indexes', async () => {
    for (const n of questions.keys()) expect(await planOf(ask(n))).not.toContain('Seq Scan on messages')
    expect(await planOf(`select nonce from messages where tags @> '{"Reference": ["7"]}'`)).toContain('messages_by_tag')
    expect(await planOf(ask(5))).toContain('messages_shortened')
    expect(await planOf(ask(6))).toContain('messages_by_assignment')
  })

  it.each([
    { what: 'all processes', by: '', index: 'messages_by_time_and_place' },
    { what: 'an owner', by: `owner = 'owner 3' and`, index: 'messages_by_owner_and_time' },
  ])('are answered page by page in the order of an index, for $what', async ({ by, index }) => {
    for (const [order, after] of [
      ['desc', '<'],
      ['asc', '>'],
    ]) {
      const plan = await planOf(`
        select process, nonce from messages
        where ${by} (timestamp, process, nonce) ${after} (100000, 'process 9', 10000)
        order by timestamp ${order}, process ${order}, nonce ${order} limit 101`)
      expect(plan).toContain(index)
      expect(plan).toContain('Index Cond')
      expect(plan).not.toContain('Sort')
    }
  })
})
