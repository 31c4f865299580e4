/** What is read early for who reads from end to end: the page behind, once, as far as it is packed, and nothing for anybody else. */
import { expect, it } from 'vitest'
import { openPage } from '../../../core/read/page.ts'
import { type PageQuery, parsePageQuery } from '../../../core/read/query.ts'
import { FakeSegments } from '../../fakes/segments.ts'
import { collect, depsOf, plainHistory } from './history.ts'

const query = (text: string): PageQuery => parsePageQuery(new URLSearchParams(text))
const timestamps = (count: number) => Array.from({ length: count }, (_, i) => 2000 + i)

async function reader(messages = 1100) {
  const history = await plainHistory('read on', timestamps(messages))
  const segments = new FakeSegments()
  await segments.pack(history, history.process)
  const deps = depsOf(history, { segments })
  return {
    history,
    segments,
    async read(text: string, form: 'json' | 'bundle' = 'json') {
      const page = await openPage(deps, history.head, query(text))
      await collect(await page[form]())
      return segments.expected.splice(0).filter(({ early }) => early)
    },
  }
}

it('is the next page, from the first page on', async () => {
  const { read } = await reader()
  expect(await read('limit=300')).toEqual([{ from: 300, to: 599, form: 'nodes', early: true }])
  expect(await read('from-nonce=299&limit=300')).toEqual([{ from: 600, to: 899, form: 'nodes', early: true }])
  // As far as it is packed.
  expect(await read('from-nonce=599&limit=300')).toEqual([{ from: 900, to: 1023, form: 'nodes', early: true }])
  expect(await read('from-nonce=899&limit=300')).toEqual([])
})

it('is found by timestamps, too, and in the form in which this one is read', async () => {
  const { read } = await reader()
  expect(await read('to=2899&limit=300', 'bundle')).toEqual([{ from: 300, to: 599, form: 'bundle', early: true }])
  // The process is nonce 0, so nonce 299 was scheduled at 2298; and no further than what is wanted at all.
  expect(await read('from=2298&to=2699&limit=300')).toEqual([{ from: 600, to: 700, form: 'nodes', early: true }])
})

it('is nothing for who reads a page here and there', async () => {
  const { read } = await reader()
  expect(await read('from-nonce=299&limit=300')).toEqual([])
  expect(await read('from-nonce=300&limit=300')).toEqual([])
  expect(await read('from=2500&limit=100')).toEqual([])
})

it('is nothing before a third of the page has gone out, where nothing follows, or where it is not packed', async () => {
  const { history, segments, read } = await reader()
  const page = await openPage(depsOf(history, { segments }), history.head, query('limit=300'))
  let pieces = 0
  for await (const _ of await page.json()) if (++pieces === 2) break
  expect(segments.expected).toEqual([])
  expect(await read('limit=2000')).toEqual([])
  const { read: readTail } = await reader(300)
  expect(await readTail('limit=256')).toEqual([])
})

it('concerns nobody where the indexes cannot be asked', async () => {
  const { segments, read } = await reader()
  let asked = 0
  segments.faults = {
    before({ name }) {
      if (name === 'blocks' && ++asked > 1) throw new Error('down')
    },
  }
  expect(await read('limit=300')).toEqual([])
})
