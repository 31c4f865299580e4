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
  const [process, other, owner, module] = [randomId(), randomId(), randomId(), randomId()]
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
      ...[1, 2, 3].map((nonce) => metadataOf(process, nonce, { ...place(nonce), owner, tags: transfer(`${nonce}`) })),
      metadataOf(process, 4, { ...place(4), tags: [{ name: 'Quantity', value: 'Transfer' }] }),
      metadataOf(other, 7, { ...place(3_600_000), owner, tags: transfer('7') }),
      metadataOf(other, 8, { ...place(3_600_001), unreadable: true, tags: [] }),
      ...Array.from({ length: 2000 }, (_, n) => metadataOf(randomId(), n + 1)),
    ])
    await database.rows('analyze')
  }, 60_000)
  afterAll(() => database.stop())

  const ask = (n: number) =>
    (questions[n] ?? '')
      .replaceAll('OWNER_ADDRESS_43_CHARACTERS', owner)
      .replaceAll('PROCESS_ID_43_CHARACTERS', process)
      .replaceAll('MODULE_ID_43_CHARACTERS', module)

  it('are answered', async () => {
    const nonces = (rows: Record<string, unknown>[]) => rows.map(({ nonce }) => Number(nonce))
    expect(questions).toHaveLength(6)
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
  })

  it('are answered from indices', async () => {
    for (const n of [0, 1, 2, 3, 4]) {
      const plan = await database.rows(`explain ${ask(n)}`)
      expect(plan.map((row) => row['QUERY PLAN']).join('\n')).not.toContain('Seq Scan on messages')
    }
    const byTag = await database.rows(`explain select nonce from messages where tags @> '{"Quantity": ["7"]}'`)
    expect(byTag.map((row) => row['QUERY PLAN']).join('\n')).toContain('messages_by_tag')
  })
})
