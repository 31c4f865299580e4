/** Newest first, waiting for the next record, a record by its nonce, and many heads at once. */
import { describe, expect, it } from 'vitest'
import { A, B, idFrom, recordedRaw, signedMessage } from '../../../core/schedule/items.ts'
import { expectError, filledApp, getJson, page, post } from './asking.ts'
import { createUnitApp } from './unit-app.ts'

interface LegacyPage {
  page_info: { has_next_page: boolean }
  edges: { node: unknown; cursor: string }[]
}

describe('sort=DESC', () => {
  it('is the page in rising order, from its end', async () => {
    const { app } = await filledApp()
    const rising = (await getJson(app, page('&from-nonce=-1'))) as unknown as LegacyPage
    const falling = (await getJson(app, page('&sort=DESC'))) as unknown as LegacyPage
    expect(falling).toEqual({ ...rising, edges: rising.edges.toReversed() })
  })

  it('is read to the beginning by `last cursor - 1`', async () => {
    const { app } = await filledApp()
    const seen: string[] = []
    for (let to = ''; ; ) {
      const found = (await getJson(app, page(`&sort=desc&limit=3${to}`))) as unknown as LegacyPage
      seen.push(...found.edges.map(({ cursor }) => cursor))
      if (!found.page_info.has_next_page) break
      to = `&to-nonce=${Number(seen.at(-1)) - 1}`
    }
    expect(seen).toEqual(['3', '2', '1', '0'])
  })

  it('keeps the newest records where the page is too large for all', async () => {
    const { app } = await filledApp({ maxPageBytes: 12_000 })
    for (let n = 0; n < 4; n++) await post(app, (await signedMessage({ data: 'x'.repeat(1000 * n) })).raw)
    const seen: string[] = []
    for (let to = ''; ; ) {
      const found = (await getJson(app, page(`&sort=DESC${to}`))) as unknown as LegacyPage
      expect(found.edges.length).toBeGreaterThan(0)
      seen.push(...found.edges.map(({ cursor }) => cursor))
      if (!found.page_info.has_next_page) break
      to = `&to-nonce=${Number(seen.at(-1)) - 1}`
    }
    expect(seen).toEqual(['7', '6', '5', '4', '3', '2', '1', '0'])
  })

  it('has no process without an assignment, and goes by nonces only', async () => {
    const { app } = createUnitApp({ rules: { processAssignment: false } })
    await post(app, recordedRaw('procA'))
    expect(await getJson(app, page('&sort=DESC'))).toEqual({ page_info: { has_next_page: false }, edges: [] })
    await post(app, recordedRaw('msg1'))
    const found = (await getJson(app, page('&sort=DESC'))) as unknown as LegacyPage
    expect(found.edges.map(({ cursor }) => cursor)).toEqual(['0'])
    await expectError(app.request(page('&sort=DESC&from=1')), 400, 'invalid-request')
    await expectError(app.request(`/${idFrom('none')}?sort=DESC`), 400, 'not-found')
  })
})

describe('wait', () => {
  it('is over at once where a later record is there', async () => {
    const { app, unit } = await filledApp()
    const before = unit.clock.now()
    const found = (await getJson(app, page('&from-nonce=1&wait=20'))) as unknown as LegacyPage
    expect(found.edges.map(({ cursor }) => cursor)).toEqual(['2', '3'])
    expect(unit.clock.now()).toBe(before)
  })

  it('ends with the record that comes, at the cost of a look a second for all who wait', async () => {
    const { app, unit } = await filledApp()
    unit.calls.length = 0
    const { raw } = await signedMessage({ data: 'news' })
    const begin = unit.clock.now()
    const waiting = [1, 2].map(() => getJson(app, page('&from-nonce=3&wait=20')) as unknown as Promise<LegacyPage>)
    await unit.clock.run(unit.clock.sleep(4500))
    // One look of each request, then one a second for both.
    expect(unit.calls.filter((call) => call === 'store.head')).toHaveLength(2 + 4)
    await unit.clock.run(post(app, raw))
    for (const found of await unit.clock.run(Promise.all(waiting))) {
      expect(found.edges.map(({ cursor }) => cursor)).toEqual(['4'])
    }
    // With the record, and long before the time is over.
    expect(unit.clock.now() - begin).toBeLessThan(10_000)
  })

  it('ends with an empty page when the time is over', async () => {
    const { app, unit } = await filledApp()
    const before = unit.clock.now()
    const response = await unit.clock.run(app.request(page('&from-nonce=3&wait=2')) as Promise<Response>)
    expect(await response.json()).toEqual({ page_info: { has_next_page: false }, edges: [] })
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(unit.clock.now() - before).toBe(2000)
  })

  it('is refused with 429 above what the instance holds', async () => {
    const { app, unit } = await filledApp()
    const ask = async () => app.request(page('&from-nonce=3&wait=1'))
    const waiting = [ask(), ask()]
    await expectError(ask(), 429, 'too-many-waiting')
    await unit.clock.run(Promise.all(waiting))
    expect((await unit.clock.run(ask())).status).toBe(200)
  })

  it.each(['wait=1', 'from-nonce=1&wait=0', 'from-nonce=1&wait=21', 'from-nonce=1&wait=x'])(
    'refuses %s',
    async (query) => {
      const { app } = await filledApp()
      await expectError(app.request(page(`&${query}`)), 400, 'invalid-request')
    },
  )
})

describe('GET /{nonce}', () => {
  it('is the record with that nonce', async () => {
    const { app } = await filledApp()
    for (const name of ['process-id', 'proc-id']) {
      const found = await getJson(app, `/2?${name}=${A}`)
      expect(found.assignment).toMatchObject({ tags: expect.arrayContaining([{ name: 'Nonce', value: '2' }]) })
    }
    await expectError(app.request('/2'), 400, 'invalid-request')
    await expectError(app.request('/2?process-id=x'), 400, 'invalid-request')
    await expectError(app.request(`/4?process-id=${A}`), 400, 'not-found')
    await expectError(app.request(`/2?process-id=${idFrom('none')}`), 400, 'not-found')
  })
})

describe('POST /heads', () => {
  const ask = (app: Awaited<ReturnType<typeof filledApp>>['app'], body: unknown) =>
    post(app, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), '/heads')

  it('says the newest nonce and timestamp of each process', async () => {
    const { app, unit } = await filledApp()
    const none = idFrom('none')
    const head = await unit.store.head(A)
    const response = await ask(app, { processes: [A, none, B] })
    expect(await response.json()).toEqual({
      [A]: { nonce: 3, timestamp: head?.timestamp },
      [none]: null,
      [B]: { nonce: 0, timestamp: expect.any(Number) },
    })
  })

  it.each([
    ['no JSON', '{'],
    ['no ids', { processes: ['x'] }],
    ['too many', { processes: Array(101).fill(A) }],
  ])('refuses %s', async (_, body) => {
    const { app } = await filledApp()
    await expectError(ask(app, body), 400, 'invalid-request')
  })
})
