/** What may be kept of what is read: nothing that can change, and all that cannot. */
import fc from 'fast-check'
import type { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import type { Head } from '../../../../core/log/record.ts'
import { BLOCK_RECORDS } from '../../../../core/ports/segment-store.ts'
import type { PageQuery } from '../../../../core/read/query.ts'
import { createApp } from '../../../../functions/http/app.ts'
import { type Entries, longEntries, longPageQuery, parametersOf } from '../../../core/read/entries.ts'
import { historyOf, idOfParts } from '../../../core/read/history.ts'
import { A, recordedItem } from '../../../core/schedule/items.ts'
import { runs } from '../../../effort.ts'
import { expectError, filledApp, page } from './asking.ts'
import { createUnitApp, type UnitApp } from './unit-app.ts'

const FOR_GOOD = 'public, max-age=31536000, immutable'

interface Answer {
  kept: string | null
  tag: string | null
  body: Buffer
  beside: (string | null)[]
}

async function ask(app: Hono, path: string): Promise<Answer> {
  const response = await app.request(path)
  expect(response.status, path).toBe(200)
  const { headers } = response
  return {
    kept: headers.get('cache-control'),
    tag: headers.get('etag'),
    body: Buffer.from(await response.arrayBuffer()),
    beside: [headers.get('x-has-next-page'), headers.get('x-last-cursor'), headers.get('content-type')],
  }
}

/** The history as it is now, in the unit's stores. Another instance, which remembers nothing, serves it. */
const holding = async (unit: UnitApp['unit'], entries: Entries, packed: boolean) => {
  const { store: log, blobs } = unit
  const history = await historyOf(entries, { log, blobs })
  await unit.scheduler.identity.check()
  if (packed) await unit.segments.pack({ log, blobs }, history.process)
  return history
}

const upTo = ([first, ...rest]: Entries, length: number): Entries => [first, ...rest.slice(0, length - 1)]

/** More messages, each so much later than the one before. */
const grown = (entries: Entries, count: number, step: number): Entries => {
  const latest = Math.max(...entries.map(({ timestamp }) => timestamp))
  const model = entries.find(({ kind }) => kind === 'transaction') ?? entries[1]
  const more = Array.from({ length: count }, (_, at) =>
    model ? [{ ...model, timestamp: latest + (at + 1) * step }] : [],
  )
  return [...entries, ...more.flat()]
}

/** Where bounds matter most: at the end of the history. */
const offset = fc.option(fc.integer({ min: -3, max: 3 }), { nil: undefined })
const nearTheEnd = fc.record({ from: offset, to: offset })

const moved = (query: PageQuery, { from, to }: { from?: number | undefined; to?: number | undefined }, head: Head) => {
  const end = query.by === 'nonce' ? head.next - 1 : head.timestamp
  return {
    ...query,
    ...(from !== undefined && { from: end + from }),
    ...(to !== undefined && { to: end + to }),
  }
}

describe('an answer that may be kept', () => {
  it('asks the log for nothing where its process was seen before', async () => {
    const { app, unit } = await filledApp()
    await ask(app, page('&from-nonce=-1&limit=2'))
    unit.calls.length = 0
    expect((await ask(app, page('&from-nonce=-1&limit=2'))).kept).toBe(FOR_GOOD)
    expect(unit.calls.filter((call) => call.startsWith('store.'))).toEqual([])
    // What may change does.
    expect((await ask(app, page())).kept).toBe('no-store')
    expect(unit.calls).toContain('store.head')
  })

  it('is the same for ever, however the log grows', async () => {
    await fc.assert(
      fc.asyncProperty(
        longEntries,
        fc.array(fc.tuple(longPageQuery, nearTheEnd, fc.boolean()), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 600 }),
        fc.tuple(fc.boolean(), fc.boolean()),
        fc.oneof(fc.integer({ min: 1, max: 2_000_000 }), fc.constant(5_000_000)),
        async (entries, queries, length, [packedBefore, packedAfter], maxPageBytes) => {
          const { app, unit, parts } = createUnitApp({ maxPageBytes })
          const { process, head } = await holding(
            unit,
            upTo(entries, Math.min(length, entries.length - 1)),
            packedBefore,
          )
          const paths = queries.map(
            ([query, near, bundle]) =>
              `/${process}?${parametersOf(moved(query, near, head))}${bundle ? '&format=bundle' : ''}`,
          )
          const before: Answer[] = []
          for (const path of paths) before.push(await ask(app, path))
          await holding(unit, entries, packedAfter)
          for (const [at, path] of paths.entries()) {
            const first = before[at]
            expect(first?.kept === FOR_GOOD || first?.kept === 'no-store', first?.kept ?? '').toBe(true)
            expect(first?.tag !== null).toBe(first?.kept === FOR_GOOD)
            const second = await ask(app, path)
            // What the instance remembers does not show: one that has seen nothing before says the same.
            expect(second, path).toEqual(await ask(createApp({ ...parts, reading: unit.another().reading }), path))
            if (first?.kept !== FOR_GOOD) continue
            expect(second.body.equals(first.body), path).toBe(true)
            expect({ ...second, body: 0 }).toEqual({ ...first, body: 0 })
          }
        },
      ),
      { numRuns: runs(150, 25) },
    )
  })

  it('is every page that no growth can change', async () => {
    const near = (query: PageQuery) => Math.max(query.from ?? 0, 0) <= 1900
    await fc.assert(
      fc.asyncProperty(longEntries, longPageQuery.filter(near), nearTheEnd, async (entries, query, bounds) => {
        const { app, unit } = createUnitApp()
        const { process, head } = await holding(unit, entries, true)
        const path = `/${process}?${parametersOf(moved(query, bounds, head))}`
        const first = await ask(app, path)
        if (first.kept === FOR_GOOD) return
        let changed = false
        // At once, a moment later, and as far as anything was asked for.
        for (const [count, step] of [
          [1, 0],
          [1, 1],
          [1, 1000],
          [600, 1],
        ] as const) {
          // Another future each time, so seen by another unit.
          const then = createUnitApp()
          await holding(then.unit, grown(entries, count, step), false)
          changed ||= !(await ask(then.app, path)).body.equals(first.body)
        }
        expect(changed, path).toBe(true)
      }),
      { numRuns: runs(150, 25) },
    )
  })

  it.each<[string, string, boolean]>([
    ['a page with a next one', page('&limit=2'), true],
    ['its bundle', page('&limit=2&format=bundle'), true],
    ['a page up to a scheduled nonce', page('&from-nonce=0&to-nonce=3'), true],
    ['a page up to one that is to come', page('&from-nonce=0&to-nonce=4'), false],
    ['a page up to long ago', page('&to=1000'), true],
    ['a page up to what is to come', page('&to=9000000000000'), false],
    ['the newest page', page(), false],
    ['an empty page', page('&from-nonce=3'), false],
    ['a process', `/processes/${A}`, true],
    ['the newest record', `/${A}/latest`, false],
    ['a message of the process that is named', `/${recordedItem('msg1').id}?process-id=${A}`, true],
    ['a message where none is named', `/${recordedItem('msg1').id}`, false],
    ['the unit', '/', false],
    ['its time', '/timestamp', false],
  ])('%s: %s', async (_, path, forGood) => {
    const { app } = await filledApp()
    const response = await app.request(path)
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe(forGood ? FOR_GOOD : 'no-store')
    expect(response.headers.get('etag') === null).toBe(!forGood)
  })

  it('has another tag where a next page follows the same records', async () => {
    const { app } = await filledApp()
    const asked = [page('&from-nonce=0&limit=2'), page('&from-nonce=0&to-nonce=2')]
    const [more, all] = await Promise.all(asked.map((path) => ask(app, path)))
    if (!more || !all) throw new Error('two answers')
    expect(more.body.equals(all.body)).toBe(false)
    expect(new Set([more.tag, all.tag, null]).size).toBe(3)
  })

  it('is an assignment by its own id, and no transaction, which may still be posted', async () => {
    const { app, unit } = createUnitApp()
    const fixed = { kind: 'transaction', item: undefined, blob: false } as const
    const some = fc.sample(longEntries, { numRuns: 1, seed: 1 })[0]
    const assignment = some?.[1]?.assignment
    if (!some || !assignment) throw new Error('no history')
    const transaction = `${'T'.repeat(42)}Q`
    const { process } = await holding(unit, [some[0], { ...fixed, timestamp: 2000, transaction, assignment }], false)
    expect((await ask(app, `/${idOfParts(assignment)}`)).kept).toBe(FOR_GOOD)
    expect((await ask(app, `/${transaction}?process-id=${process}`)).kept).toBe('no-store')
  })

  it('has a name of its own for each form', async () => {
    const { app } = await filledApp()
    const paths = ['', '&format=bundle', '&show-anchor', '&from-nonce=-1', '&limit=3', '&from-nonce=0'].map((more) =>
      page(`&limit=2${more}`.replace('limit=2&limit=3', 'limit=3')),
    )
    const tags = await Promise.all(paths.map(async (path) => (await ask(app, path)).tag))
    expect(new Set(tags).size).toBe(paths.length)
    for (const tag of tags) expect(tag).toMatch(/^"[\x21\x23-\x7e]+"$/)
  })

  it('has a name of its own whatever follows it', async () => {
    const { app } = await filledApp()
    // The same records, and only has_next_page differs.
    const [limited, bounded] = await Promise.all([
      ask(app, page('&from-nonce=-1&limit=2')),
      ask(app, page('&from-nonce=-1&to-nonce=1')),
    ])
    expect(limited?.body.equals(bounded?.body ?? Buffer.alloc(0))).toBe(false)
    expect([limited?.kept, bounded?.kept]).toEqual([FOR_GOOD, FOR_GOOD])
    expect(limited?.tag).not.toBe(bounded?.tag)
  })

  it('has another name in another generation of the log, and none while that is unknown', async () => {
    const { app, unit, parts } = await filledApp()
    const path = page('&limit=2')
    const { tag } = await ask(app, path)
    const { identity } = unit.identity
    if (!identity) throw new Error('no log')
    unit.identity.identity = { ...identity, generation: identity.generation + 1 }
    const another = (): Hono => createApp({ ...parts, ...unit.another() })
    const restored = await another().request(path, { headers: { 'if-none-match': tag ?? '' } })
    expect(restored.status).toBe(200)
    expect(restored.headers.get('etag')).not.toBe(tag)
    unit.identity.down = true
    expect(await ask(another(), path)).toMatchObject({ kept: 'no-store', tag: null })
  })

  it('is none where an allow-list rules', async () => {
    const { app, unit } = await filledApp()
    unit.lists.processes = new Map([[A, { read: true, write: true }]])
    for (const path of [page('&limit=2'), `/processes/${A}`, `/${recordedItem('msg1').id}?process-id=${A}`]) {
      const { kept, tag } = await ask(app, path)
      expect([kept, tag]).toEqual(['no-store', null])
      const again = await app.request(path, { headers: { 'if-none-match': '*' } })
      expect(again.status).toBe(200)
    }
    unit.lists.processes = new Map()
    await expectError(app.request(page('&limit=2'), { headers: { 'if-none-match': '*' } }), 403, 'forbidden')
  })

  it('is no error, also where the page would have been', async () => {
    const { app, unit } = await filledApp({ rules: { inlineBytes: 0 } })
    const paths = [page('&limit=2'), page('&limit=2&format=bundle'), `/processes/${A}`]
    unit.blobs.faults = {
      before: () => {
        throw new Error('away')
      },
    }
    for (const path of paths) {
      const response = await app.request(path, { headers: { 'accept-encoding': 'gzip' } })
      for (const name of ['etag', 'content-encoding', 'x-has-next-page']) expect(response.headers.get(name)).toBeNull()
      await expectError(response, 503, 'unavailable')
    }
  })
})

describe('If-None-Match', () => {
  const asked = page('&limit=2')
  const again = (app: Hono, path: string, headers: Record<string, string>) => app.request(path, { headers })

  it('is answered 304, with the same name and nothing else, and no body is read', async () => {
    const { app, unit } = await filledApp({ rules: { inlineBytes: 0 } })
    for (const path of [asked, page('&limit=2&format=bundle'), `/${recordedItem('msg1').id}?process-id=${A}`]) {
      const { tag } = await ask(app, path)
      unit.calls.length = 0
      for (const known of [tag ?? '', `W/${tag}`, `"other", ${tag}`, '*']) {
        const response = await again(app, path, { 'if-none-match': known })
        expect([response.status, await response.text()]).toEqual([304, ''])
        expect(response.headers.get('etag')).toBe(tag)
        expect(response.headers.get('cache-control')).toBe(FOR_GOOD)
        expect(response.headers.get('access-control-allow-origin')).toBe('*')
      }
      expect(unit.calls.filter((call) => call === 'blobs.get')).toEqual([])
    }
  })

  it('of another name, or of what may change, is answered in full', async () => {
    const { app } = await filledApp()
    const { tag } = await ask(app, asked)
    expect((await again(app, asked, { 'if-none-match': '"another"' })).status).toBe(200)
    expect((await again(app, page('&limit=3'), { 'if-none-match': tag ?? '' })).status).toBe(200)
    expect((await again(app, page(), { 'if-none-match': '*' })).status).toBe(200)
  })

  it('of a page that is packed reads its index alone', async () => {
    const { app, unit } = createUnitApp()
    const [entries] = fc.sample(longEntries, { numRuns: 1, seed: 3 })
    if (!entries) throw new Error('no history')
    const { process } = await holding(unit, grown(entries, BLOCK_RECORDS, 5), true)
    const path = `/${process}?from-nonce=10&limit=100`
    const { tag } = await ask(app, path)
    unit.calls.length = 0
    const before = unit.segments.parts
    expect((await again(app, path, { 'if-none-match': tag ?? '' })).status).toBe(304)
    expect(unit.segments.parts).toBe(before)
    expect(unit.calls.filter((call) => call === 'store.records')).toEqual([])
  })
})
