/** Pages of histories of which blocks are packed: the same bytes as from the log alone, whatever is packed, damaged or away. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseBundle } from '../../../core/ans104/bundle.ts'
import { BLOCK_RECORDS, blockOf, type SegmentReader } from '../../../core/ports/segment-store.ts'
import type { ReadDeps } from '../../../core/read/deps.ts'
import { openPage, type Page } from '../../../core/read/page.ts'
import { type PageQuery, parsePageQuery } from '../../../core/read/query.ts'
import { runs } from '../../effort.ts'
import { FakeSegmentDamage, FakeSegments } from '../../fakes/segments.ts'
import { longEntries, longPageQuery } from './entries.ts'
import { collect, depsOf, type History, historyOf, idOfParts, jsonOf, plainHistory, rawOf } from './history.ts'
import { modelPage } from './model.ts'

const query = (text: string): PageQuery => parsePageQuery(new URLSearchParams(text))

/** The raw items of a page's records, as they are in the history. */
const rawItems = ({ records }: History, { nonces }: Page): Buffer[] =>
  records
    .filter(({ nonce }) => nonces !== undefined && nonce >= nonces.first && nonce <= nonces.last)
    .flatMap(({ assignment, item }) => [assignment, item].flatMap((parts) => (parts ? [rawOf(parts)] : [])))

const bundled = async (page: Page): Promise<Buffer[]> =>
  parseBundle(await collect(await page.bundle())).map(({ raw }) => raw)

interface Packed {
  history: History
  segments: FakeSegments
  damage: FakeSegmentDamage
  deps: ReadDeps
}

async function packedHistory(
  history: History,
  { only, ...others }: Partial<ReadDeps> & { only?: readonly number[] } = {},
): Promise<Packed> {
  const segments = new FakeSegments()
  const damage = new FakeSegmentDamage()
  await segments.pack(history, history.process, only)
  return { history, segments, damage, deps: depsOf(history, { segments, damage, ...others }) }
}

const timestamps = (count: number) => Array.from({ length: count }, (_, i) => 2000 + i)

describe('a page of which something is packed', () => {
  it('is the model\u2019s, and its bundle the same records, whatever is packed, damaged or away', async () => {
    const trouble = fc.array(
      fc.record({ nonce: fc.nat(570), how: fc.constantFrom('damaged' as const, 'unavailable' as const) }),
      { maxLength: 3 },
    )
    const max = fc.oneof(fc.integer({ min: 1, max: 2_000_000 }), fc.constant(5_000_000))
    await fc.assert(
      fc.asyncProperty(
        longEntries,
        fc.array(longPageQuery, { minLength: 1, maxLength: 6 }),
        max,
        fc.subarray([0, 1]),
        trouble,
        fc.constantFrom(undefined, undefined, undefined, 'blocks' as const, 'nodes' as const, 'bundle' as const),
        fc.constantFrom(Number.POSITIVE_INFINITY, 70, 7),
        async (all, queries, maxPageBytes, packed, spoiled, away, recordsAtOnce) => {
          const history = await historyOf(all)
          const only = packed.filter((block) => (block + 1) * BLOCK_RECORDS <= history.head.next)
          const { deps, segments, damage } = await packedHistory(history, { only, maxPageBytes })
          history.log.recordsAtOnce = recordsAtOnce
          for (const { nonce, how } of spoiled) segments.spoil(history.process, nonce, how)
          segments.faults = {
            before({ name }) {
              if (name === away) throw new Error('away')
            },
          }
          for (const asked of queries) {
            const expected = modelPage(history.records, asked, maxPageBytes)
            const page = await openPage(deps, history.head, asked)
            expect(await jsonOf(page)).toBe(JSON.stringify(expected))
            expect(page.hasNextPage).toBe(expected.page_info.has_next_page)
            const raw = rawItems(history, page)
            const got = await bundled(page)
            expect(got.length).toBe(raw.length)
            expect(got.every((one, at) => raw[at]?.equals(one))).toBe(true)
          }
          const wrong = new Set(spoiled.filter(({ how }) => how === 'damaged').map(({ nonce }) => blockOf(nonce)))
          for (const { process, block } of damage.reported) {
            expect([process, wrong.has(block)]).toEqual([history.process, true])
          }
        },
      ),
      { numRuns: runs(150, 20) },
    )
  })

  it('comes from segments alone where all of it is packed', async () => {
    const { history, deps, segments } = await packedHistory(await plainHistory('all', timestamps(1100)))
    const calls: string[] = []
    history.log.faults = { before: ({ name }) => calls.push(name) }
    for (const asked of ['from-nonce=-1&limit=1000', 'from-nonce=200&limit=100&show-anchor']) {
      const page = await openPage(deps, history.head, query(asked))
      expect(await jsonOf(page)).toBe(JSON.stringify(modelPage(history.records, query(asked), 5_000_000)))
      await bundled(page)
    }
    expect(calls).toEqual([])
    expect(segments.parts).toBeGreaterThan(0)
  })

  it('asks the log for the tail alone, and for that once', async () => {
    const { history, deps } = await packedHistory(await plainHistory('tail', timestamps(1100)))
    const asked: unknown[] = []
    history.log.faults = { before: ({ name, args }) => asked.push([name, ...args.slice(1)]) }
    for (let time = 0; time < 2; time++) {
      const page = await openPage(deps, history.head, query('from-nonce=900&limit=1000'))
      expect(page.nonces).toEqual({ first: 901, last: 1100 })
      await jsonOf(page)
    }
    expect(asked).toEqual([['records', 1024, 1100]])
  })

  it('reads no more than the page holds', async () => {
    const { history, deps, segments } = await packedHistory(await plainHistory('few', timestamps(1100)))
    await jsonOf(await openPage(deps, history.head, query('from-nonce=99&limit=10')))
    expect(segments.parts).toBe(1)
  })

  it('has the damaged block reported, once for each reading, and goes on with the segments behind it', async () => {
    const { history, deps, segments, damage } = await packedHistory(await plainHistory('damage', timestamps(800)))
    segments.spoil(history.process, 300)
    const page = await openPage(deps, history.head, query('limit=700'))
    expect(await jsonOf(page)).toBe(JSON.stringify(modelPage(history.records, query('limit=700'), 5_000_000)))
    expect(damage.reported.map(({ block }) => block)).toEqual([1])
    // Blocks 0 and 2, and of block 1 the parts before the damage.
    expect(segments.parts).toBe(16 + 2 + 12)
  })

  it('does not hide a hole of the log behind what is packed', async () => {
    const { history, deps, segments } = await packedHistory(await plainHistory('hole', timestamps(600)))
    segments.spoil(history.process, 20)
    history.log.lose(history.process, 40)
    const page = await openPage(deps, history.head, query('limit=100'))
    await expect(jsonOf(page)).rejects.toMatchObject({ code: 'unavailable' })
    await expect(bundled(page)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('fails for what is no trouble of the store: a bug is not covered up', async () => {
    const { history, deps, segments } = await packedHistory(await plainHistory('bug', timestamps(600)))
    segments.nodes = () => {
      throw new TypeError('a bug')
    }
    const page = await openPage(deps, history.head, query('limit=100'))
    await expect(page.json()).rejects.toThrow('a bug')
  })

  it('stops reading when its reader goes away', async () => {
    const { history, deps, segments } = await packedHistory(await plainHistory('leaves', timestamps(1100)))
    const page = await openPage(deps, history.head, query('limit=1000'))
    for await (const piece of await page.json()) {
      expect(piece.toString('latin1', 0, 40)).toContain('page_info')
      break
    }
    expect(segments.parts).toBeLessThan(5)
  })

  it('does not wait for the second part with the first piece', async () => {
    const { history, deps, segments } = await packedHistory(await plainHistory('early', timestamps(1100)))
    const page = await openPage(deps, history.head, query('limit=1000'))
    const bytes = await page.json()
    const before = segments.parts
    let most = 0
    let pieces = 0
    for await (const piece of bytes) {
      most = Math.max(most, piece.length)
      if (pieces++ === 0) expect(segments.parts).toBe(before)
    }
    expect(before).toBeLessThan(5)
    expect(most).toBeLessThanOrEqual(65_536)
  })

  it('takes no more memory the longer it is', async () => {
    const node = Buffer.from(`{"message":null,"assignment":"${'x'.repeat(40_000)}"}`)
    const bytes = node.length
    const segments: SegmentReader = {
      blocks: async (_, blocks) =>
        blocks.map((block) => ({
          block,
          records: Array.from({ length: BLOCK_RECORDS }, (_, at) => {
            const nonce = block * BLOCK_RECORDS + at
            return { nonce, timeKey: nonce, bytes, bytesWithAnchor: bytes, items: 2 as const }
          }),
          segments: [],
        })),
      async *nodes(_process, _indexes, from, to) {
        for (let nonce = from; nonce <= to; nonce++) yield [node]
      },
      expect() {},
      bundle: () => Promise.reject(new Error('not asked for')),
    }
    const { head, ...history } = await plainHistory('endless', [2000])
    const deps = depsOf(history, { segments, maxPageBytes: 1e12 })
    const page = await openPage(deps, { ...head, next: 100 * BLOCK_RECORDS }, query('from-nonce=-1&limit=20000'))
    const before = process.memoryUsage().rss
    let length = 0
    for await (const piece of await page.json()) length += piece.length
    expect(length).toBeGreaterThan(800_000_000)
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000)
  })

  it('names in its bundle what the JSON form names', async () => {
    const { history, deps } = await packedHistory(await plainHistory('names', timestamps(300)))
    const page = await openPage(deps, history.head, query('limit=280'))
    const items = parseBundle(await collect(await page.bundle()))
    const expected = history.records.slice(0, 280).flatMap(({ assignment, item }) => [assignment, item])
    expect(items.map(({ id }) => id)).toEqual(expected.map((parts) => parts && idOfParts(parts)))
    expect(page.lastCursor).toBe(history.records[279]?.timeKey)
  })

  it('of records that none of its bounds can hold is that record', async () => {
    const { history, deps } = await packedHistory(await plainHistory('large', timestamps(600)), { maxPageBytes: 100 })
    for (const asked of ['from-nonce=7', 'from-nonce=590', 'from=2100&limit=5']) {
      const page = await openPage(deps, history.head, query(asked))
      expect(page.nonces?.first).toBe(page.nonces?.last)
      expect(await jsonOf(page)).toBe(JSON.stringify(modelPage(history.records, query(asked), 100)))
    }
  })
})
