/** Pages that need no look at the head: the same as with one, only where they can never change, and without a question to the log. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openPage } from '../../../core/read/page.ts'
import { type PageQuery, parsePageQuery } from '../../../core/read/query.ts'
import { openSettledPage } from '../../../core/read/settled-page.ts'
import { runs } from '../../effort.ts'
import { FakeSegments } from '../../fakes/segments.ts'
import { longEntries, longPageQuery } from './entries.ts'
import { depsOf, historyOf, jsonOf, plainHistory } from './history.ts'
import { type ModelPage, modelPage } from './model.ts'

const query = (text: string): PageQuery => parsePageQuery(new URLSearchParams(text))
const timestamps = (count: number) => Array.from({ length: count }, (_, i) => 2000 + i)

it('is what the page is now, whatever was seen and asked before', async () => {
  const max = fc.oneof(fc.integer({ min: 1, max: 2_000_000 }), fc.constant(5_000_000))
  const seenAt = fc.integer({ min: 1, max: 600 })
  const asked = fc.array(fc.tuple(longPageQuery, fc.option(seenAt)), { minLength: 1, maxLength: 10 })
  const count = runs(150, 30)
  let settled = 0
  await fc.assert(
    fc.asyncProperty(longEntries, asked, max, async (all, queries, maxPageBytes) => {
      const history = await historyOf(all)
      const deps = depsOf(history, { maxPageBytes })
      for (const [one, seen] of queries) {
        const last = history.records[Math.min(seen ?? 0, history.records.length - 1)]
        if (seen !== null && last) {
          // Another page, when the process had gone no further than that.
          const head = { ...history.head, next: last.nonce + 1, timestamp: last.timeKey }
          await jsonOf(await openPage(deps, head, one))
        }
        const page = await openSettledPage(deps, history.process, one)
        if (page === undefined) continue
        settled++
        expect(page.immutable).toBe(true)
        expect(await jsonOf(page)).toBe(JSON.stringify(modelPage(history.records, one, maxPageBytes)))
      }
    }),
    { numRuns: count },
  )
  if (count > 1) expect(settled).toBeGreaterThan(count / 3)
})

describe('who reads a history from end to end', () => {
  it.each([
    ['by nonces', 'from-nonce=-1&limit=250', (cursor: string) => `from-nonce=${cursor}&limit=250`],
    ['as a compute unit does', 'to=3099&limit=250', (cursor: string) => `from=${cursor}&to=3099&limit=250`],
  ])('asks the log for the first page and the tail alone, %s', async (_, start, next) => {
    const history = await plainHistory('all', timestamps(1100))
    const segments = new FakeSegments()
    await segments.pack(history, history.process)
    const deps = depsOf(history, { segments })
    await openPage(deps, history.head, query(start))
    const calls: string[] = []
    history.log.faults = { before: ({ name }) => calls.push(name) }
    let asked = start
    for (let pages = 0; pages < 4; pages++) {
      const page = await openSettledPage(deps, history.process, query(asked))
      if (page === undefined) throw new Error(`${asked} is not settled`)
      const json: ModelPage = JSON.parse(await jsonOf(page))
      asked = next(json.edges.at(-1)?.cursor ?? '')
    }
    expect(calls).toEqual([])
    // What comes now ends where the process does, or did.
    expect(await openSettledPage(deps, history.process, query(asked))).toBeUndefined()
  })
})

it('is none of a process that nobody has seen, or that may not be read', async () => {
  const history = await plainHistory('unseen', timestamps(100))
  const deps = depsOf(history)
  expect(await openSettledPage(deps, history.process, query('limit=10'))).toBeUndefined()
  const closed = { ...history.head, state: 'incomplete' as const }
  await expect(openPage(deps, closed, query('limit=10'))).rejects.toMatchObject({ code: 'incomplete' })
  expect(await openSettledPage(deps, history.process, query('limit=10'))).toBeUndefined()
  await openPage(deps, history.head, query('limit=10'))
  expect(await openSettledPage(deps, history.process, query('limit=10'))).toBeDefined()
  for (const newest of ['limit=101', 'from-nonce=95', 'from=2050', 'from-nonce=99&limit=1']) {
    expect(await openSettledPage(deps, history.process, query(newest)), newest).toBeUndefined()
  }
})
