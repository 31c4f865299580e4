/** Pages of the schedule against a plain model, and under trouble. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HeadState } from '../../../core/log/record.ts'
import type { TimeIndex } from '../../../core/ports/metadata-index.ts'
import type { ReadDeps } from '../../../core/read/deps.ts'
import { createLogMemory } from '../../../core/read/log-memory.ts'
import { openPage, type Page } from '../../../core/read/page.ts'
import { createProcessMemory } from '../../../core/read/process-memory.ts'
import { type PageQuery, parsePageQuery } from '../../../core/read/query.ts'
import { runs } from '../../effort.ts'
import { entries, limit, maxPageBytes, pageQuery } from './entries.ts'
import { depsOf, type Entry, type History, historyOf, jsonOf, partsFrom, plainHistory } from './history.ts'
import { type ModelPage, modelPage } from './model.ts'

const query = (text: string): PageQuery => parsePageQuery(new URLSearchParams(text))

const read = async (
  deps: ReadDeps,
  { head }: Pick<History, 'head'>,
  asked: PageQuery,
): Promise<Omit<Page, 'json'> & { json: string }> => {
  const page = await openPage(deps, head, asked)
  return { ...page, json: await jsonOf(page) }
}

/** Indexes that know it all, nothing, only the beginning, or nonsense. */
const index = fc
  .record({
    kind: fc.constantFrom('whole', 'away', 'lagging', 'lying'),
    lag: fc.nat(30),
    lies: fc.infiniteStream(fc.double({ min: -50, max: 60 })),
  })
  .map(
    ({ kind, lag, lies }) =>
      (records: History['records']): TimeIndex => ({
        async lastNonceUpTo(_process, asked) {
          if (kind === 'away') return undefined
          if (kind === 'lying') return Math.trunc(lies.next().value)
          const known = kind === 'lagging' ? records.slice(0, -lag) : records
          return known.findLast((record) => record.timeKey <= asked)?.nonce
        },
      }),
  )

/** Records that come in one answer at most: as many as are asked for, or fewer, as where they are large. */
const atOnce = fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 1, max: 12 }))

describe('a page', () => {
  it('is the one that the model makes, whatever is asked of whatever history', async () => {
    await fc.assert(
      fc.asyncProperty(
        entries,
        fc.array(pageQuery, { minLength: 1, maxLength: 8 }),
        maxPageBytes,
        index,
        atOnce,
        async (all, queries, max, makeIndex, recordsAtOnce) => {
          const history = await historyOf(all)
          history.log.recordsAtOnce = recordsAtOnce
          const deps = depsOf(history, { maxPageBytes: max, times: makeIndex(history.records) })
          // All with one memory: what earlier pages left in it must not show.
          for (const asked of queries) {
            const expected = modelPage(history.records, asked, max)
            const page = await read(deps, history, asked)
            expect(page.json).toBe(JSON.stringify(expected))
            expect(page.hasNextPage).toBe(expected.page_info.has_next_page)
            const count = page.nonces === undefined ? 0 : page.nonces.last - page.nonces.first + 1
            expect(count).toBe(expected.edges.length)
          }
        },
      ),
      { numRuns: runs(1_000, 150) },
    )
  })

  it('leads by its cursor through every record, once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        entries,
        limit,
        maxPageBytes,
        fc.boolean(),
        index,
        async (all, size, max, byNonce, makeIndex) => {
          const history = await historyOf(all)
          const deps = depsOf(history, { maxPageBytes: max, times: makeIndex(history.records) })
          const seen: string[] = []
          let asked: PageQuery = {
            limit: size,
            showAnchor: false,
            by: byNonce ? 'nonce' : 'timestamp',
            ...(byNonce && { from: -1 }),
          }
          for (;;) {
            const page: ModelPage = JSON.parse((await read(deps, history, asked)).json)
            seen.push(...page.edges.map(({ node }) => JSON.stringify(node)))
            if (!page.page_info.has_next_page) break
            asked = { ...asked, from: Number(page.edges.at(-1)?.cursor) }
          }
          const whole = modelPage(history.records, { limit: 1000, showAnchor: false, by: 'nonce', from: -1 }, 1e9)
          expect(seen).toEqual(whole.edges.map(({ node }) => JSON.stringify(node)))
        },
      ),
      { numRuns: runs(500, 100) },
    )
  })

  it('is right at every chunk and wave that the log is read in', async () => {
    const history = await plainHistory(
      'long',
      Array.from({ length: 1450 }, (_, i) => 2000 + Math.floor(i / 3)),
    )
    const whole = modelPage(history.records, query('limit=5000'), 1e9).edges
    for (const size of [99, 100, 101, 199, 200, 201, 1199, 1200, 1201, 1450, 1451, 2000]) {
      const page: ModelPage = JSON.parse(
        (await read(depsOf(history, { maxPageBytes: 1e9 }), history, query(`from-nonce=-1&limit=${size}`))).json,
      )
      expect(page.edges.length).toBe(Math.min(size, 1451))
      expect(page.edges.map(({ node }) => node)).toEqual(whole.slice(0, size).map(({ node }) => node))
    }
    for (const max of [100_000, 700_000, 2_000_000, 4_000_000]) {
      const asked = query('limit=2000&from=1500')
      const page = await read(depsOf(history, { maxPageBytes: max }), history, asked)
      expect(page.json).toBe(JSON.stringify(modelPage(history.records, asked, max)))
      expect(page.json.length).toBeLessThanOrEqual(max)
      expect(page.hasNextPage).toBe(true)
    }
  })

  it('is whole where it is longer than what is held of it', async () => {
    const data = Buffer.alloc(20_000, 'x')
    const message = (index: number): Entry => ({
      kind: 'message',
      timestamp: 2000 + index,
      item: partsFrom(`message ${index}`, { data }),
      assignment: partsFrom(`assignment ${index}`),
      blob: false,
    })
    const process: Entry = { ...message(-1000), kind: 'process' }
    const history = await historyOf([process, ...Array.from({ length: 600 }, (_, index) => message(index))])
    for (const asked of ['from-nonce=-1&limit=550', 'from=1500&limit=590', 'limit=1000']) {
      const deps = depsOf(history, { maxPageBytes: 1e9, nodes: createLogMemory(1_000_000) })
      const { json } = await read(deps, history, query(asked))
      expect(json.length).toBeGreaterThan(10_000_000)
      expect(json === JSON.stringify(modelPage(history.records, query(asked), 1e9))).toBe(true)
    }
  })

  it('breaks off where the log gives other times behind what is held of it than it was planned with', async () => {
    const data = Buffer.alloc(20_000, 'x')
    const message = (index: number): Entry => ({
      kind: index < 0 ? 'process' : 'message',
      timestamp: 2000 + index,
      item: partsFrom(`message ${index}`, { data }),
      assignment: partsFrom(`assignment ${index}`),
      blob: false,
    })
    const history = await historyOf([message(-1), ...Array.from({ length: 600 }, (_, index) => message(index))])
    const deps = depsOf(history, { maxPageBytes: 1e9, nodes: createLogMemory(1_000_000) })
    const page = await openPage(deps, history.head, query('limit=1000'))
    const key = `${history.process}/${history.head.next - 1}`
    const record = history.log.held.records.get(key)
    if (!record) throw new Error('no record')
    history.log.held.records.set(key, { ...record, timeKey: record.timeKey + 1 })
    await expect(jsonOf(page)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('is filled to the last byte that it may have', async () => {
    const history = await plainHistory('bytes', [2000, 2001, 2002])
    const sizes = modelPage(history.records, query(''), 1e9).edges.map((edge) => JSON.stringify(edge).length + 1)
    const three = 64 + sizes.slice(0, 3).reduce((sum, size) => sum + size, 0)
    const countWithin = async (max: number) =>
      (await openPage(depsOf(history, { maxPageBytes: max }), history.head, query(''))).nonces?.last
    expect([await countWithin(three - 1), await countWithin(three)]).toEqual([1, 2])
  })

  it('takes equal timestamps all, however many they are, and holds few of them at a time', async () => {
    const history = await plainHistory('equal', [...Array.from({ length: 700 }, () => 2000), 2001], { blobs: true })
    let open = 0
    let most = 0
    history.blobs.faults = { before: () => (most = Math.max(most, ++open)), after: () => open-- }
    const asked = query('from=1500&limit=2')
    const page = await read(depsOf(history, { maxPageBytes: 20_000 }), history, asked)
    expect(page.json).toBe(JSON.stringify(modelPage(history.records, asked, 20_000)))
    expect(page.nonces).toEqual({ first: 1, last: 700 })
    expect(page.hasNextPage).toBe(true)
    expect(most).toBeLessThanOrEqual(4)
  })

  it('can be cached for good when more follow or all that it may hold is scheduled', async () => {
    const history = await plainHistory('cached', [2000, 2001, 2002])
    const immutable = async (text: string) => (await openPage(depsOf(history), history.head, query(text))).immutable
    expect(await immutable('limit=2')).toBe(true)
    expect(await immutable('from=1000&limit=2')).toBe(true)
    expect(await immutable('from-nonce=-1&to-nonce=3')).toBe(true)
    expect(await immutable('from-nonce=-1&to-nonce=4')).toBe(false)
    expect(await immutable('to-nonce=4&limit=1')).toBe(true)
    expect(await immutable('from-nonce=3')).toBe(false)
    expect(await immutable('from-nonce=9&to-nonce=8')).toBe(true)
    // What is still to come is later than all that is here.
    expect(await immutable('to=2001')).toBe(true)
    expect(await immutable('to=2002')).toBe(false)
    expect(await immutable('from=2001&to=2500')).toBe(false)
    expect(await immutable('from=2500&to=2500')).toBe(true)
    expect(await immutable('')).toBe(false)
  })

  it('is empty where nothing matches, also for a process that has no records at all', async () => {
    const empty = await plainHistory('empty', [], { assigned: false })
    const page = await read(depsOf(empty), empty, query(''))
    expect(page.json).toBe('{"page_info":{"has_next_page":false},"edges":[]}')
    expect(page.nonces).toBeUndefined()
  })

  it.each<[HeadState, string | undefined]>([
    ['open', undefined],
    ['frozen', undefined],
    ['incomplete', 'incomplete'],
  ])('of a process that is %s', async (state, code) => {
    const history = await plainHistory(state, [2000], { state })
    const reading = read(depsOf(history), history, query(''))
    if (code === undefined) expect((await reading).nonces).toEqual({ first: 0, last: 1 })
    else await expect(reading).rejects.toMatchObject({ code })
  })
})

describe('a page under trouble', () => {
  const timestamps = Array.from({ length: 600 }, (_, i) => 2000 + i)

  it('is refused, never shortened, where a record is missing', async () => {
    for (const lost of [1, 100, 101, 350, 600]) {
      const history = await plainHistory('hole', timestamps)
      history.log.lose(history.process, lost)
      await expect(read(depsOf(history), history, query('limit=1000'))).rejects.toMatchObject({ code: 'unavailable' })
    }
  })

  it('is refused where the log gives records out of place or keys that fall', async () => {
    const { log, ...history } = await plainHistory('place', timestamps)
    const records = log.records.bind(log)
    const timeKeys = log.timeKeys.bind(log)
    log.records = async (...args) => (await records(...args)).toReversed()
    log.timeKeys = async (...args) => (await timeKeys(...args)).toReversed()
    for (const asked of ['', 'from=2100']) {
      const reading = read(depsOf({ ...history, log }), history, query(asked))
      await expect(reading).rejects.toMatchObject({ code: 'unavailable' })
    }
  })

  it('breaks off when a body cannot be read after the first byte', async () => {
    const history = await plainHistory('late', timestamps.slice(0, 50), { blobs: true })
    let gets = 0
    history.blobs.faults = {
      before: () => {
        if (++gets === 20) throw new Error('gone')
      },
    }
    const page = await openPage(depsOf(history), history.head, query(''))
    await expect(jsonOf(page)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('fails before its first byte when the blob store is away', async () => {
    const history = await plainHistory('away', timestamps.slice(0, 50), { blobs: true })
    history.blobs.faults = {
      before: () => {
        throw new Error('away')
      },
    }
    const page = await openPage(depsOf(history), history.head, query(''))
    await expect(page.json()).rejects.toMatchObject({ code: 'unavailable' })
    await expect(page.bundle()).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('stops fetching when its reader goes away', async () => {
    const history = await plainHistory('leaves', timestamps, { blobs: true })
    let gets = 0
    history.blobs.faults = { before: () => ++gets }
    const page = await openPage(depsOf(history), history.head, query('limit=1000'))
    for await (const piece of await page.json()) {
      expect(piece.toString()).toContain('page_info')
      break
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(gets).toBeLessThan(60)
  })

  it('is served from an old head as it was then, while messages arrive', async () => {
    const before = await plainHistory('grows', timestamps.slice(0, 10))
    await plainHistory('grows', timestamps.slice(0, 20), { into: before })
    const page = await read(depsOf(before), before, query(''))
    expect(page.nonces).toEqual({ first: 0, last: 10 })
    expect(page.hasNextPage).toBe(false)
  })
})

describe('the way to a page by timestamps', () => {
  const timestamps = Array.from({ length: 5000 }, (_, i) => 2000 + 2 * i)
  const callsOf = (history: History) => {
    const calls: string[] = []
    history.log.faults = { before: ({ name }) => calls.push(name) }
    return calls
  }

  it('needs no key more than the one behind it when it goes on from the last cursor', async () => {
    const history = await plainHistory('cursor', timestamps)
    const deps = depsOf(history)
    const first: ModelPage = JSON.parse((await read(deps, history, query('limit=100'))).json)
    const calls = callsOf(history)
    await read(deps, history, query(`from=${first.edges.at(-1)?.cursor}&limit=50`))
    expect(calls.toSorted()).toEqual(['records', 'timeKeys'])
    calls.length = 0
    // The newest cursor needs none: the head says that nothing is newer.
    await read(deps, history, query(`from=${timestamps.at(-1)}`))
    expect(calls).toEqual([])
  })

  it('asks the log once where the index is right, and thrice at most where it knows nothing', async () => {
    const history = await plainHistory('hinted', timestamps)
    const right: TimeIndex = {
      lastNonceUpTo: async (_, asked) => history.records.findLast((r) => r.timeKey <= asked)?.nonce,
    }
    const calls = callsOf(history)
    await read(depsOf(history, { times: right }), history, query('from=4001&to=4011'))
    expect(calls.filter((name) => name === 'timeKeys').length).toBe(2)
    calls.length = 0
    await read(depsOf(history), history, query('from=4001'))
    expect(calls.filter((name) => name === 'timeKeys').length).toBeLessThanOrEqual(4)
  })

  it('remembers only so much', () => {
    const memory = createProcessMemory(2)
    for (const nonce of [1, 2, 3]) memory.remember('a process', nonce, { nonce, settled: true })
    expect([1, 2, 3].map((nonce) => memory.recall('a process', nonce)?.nonce)).toEqual([undefined, 2, 3])
  })
})
