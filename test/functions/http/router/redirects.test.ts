/** `GET` at the router: which unit a request is sent to, and with what (contract, "Router"). */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { A, B, idFrom, recordedItem } from '../../../core/schedule/items.ts'
import { runs } from '../../../effort.ts'
import { expectError } from '../app/asking.ts'
import { createRouterWorld, SU1, SU2 } from './router-world.ts'

const message = recordedItem('msg1').id
const nobody = idFrom('nobody')

/** A on the first unit, B on the second. */
async function worldWithTwo() {
  const world = createRouterWorld()
  await world.settle(A, SU1)
  await world.settle(B, SU2)
  return world
}

describe('a question', () => {
  it.each([
    [`/?process-id=${A}`, SU1],
    [`/?process-id=${B}`, SU2],
    [`/?proc-id=${B}`, SU2],
    [`/timestamp?process-id=${A}`, SU1],
    [`/${A}?process-id=${A}&limit=2&from-nonce=3`, SU1],
    [`/${A}?proc-id=${A}&from-nonce=-1&limit=1000`, SU1],
    [`/${A}`, SU1],
    [`/${A}?from=1&to=2&limit=1000`, SU1],
    [`/${B}/latest`, SU2],
    [`/processes/${B}`, SU2],
    [`/${message}?process-id=${B}`, SU2],
    [`/${message}?proc-id=${B}`, SU2],
    [`/favicon.ico?process-id=${B}`, SU2],
    // What is named counts before the path, and what names nothing does not count.
    [`/${A}?process-id=${B}`, SU2],
    [`/processes/${A}?process-id=${B}`, SU2],
    [`/${A}?process-id=${A}&proc-id=${B}`, SU1],
    [`/${A}?process-id=&proc-id=`, SU1],
    [`/${A}?process-id=&proc-id=${B}`, SU2],
    [`/${A}?process-id=${A}&process-id=${B}`, SU1],
    [`/?process-id=${A}&assign=x&colour=red%20or%2Bblue&base-layer&q=%F0%9F%9A%80`, SU1],
  ])('%s is sent on with path and query as asked', async (path, unit) => {
    const { app } = await worldWithTwo()
    for (const method of ['GET', 'HEAD']) {
      const response = await app.request(path, { method })
      expect(response.status).toBe(307)
      expect(response.headers.get('location')).toBe(unit + path)
      expect(await response.text()).toBe(method === 'HEAD' ? '' : JSON.stringify({ location: unit + path }))
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
    }
  })

  it.each([
    '/',
    '/timestamp',
    '/?process-id=',
    '/timestamp?x=1',
    '/favicon.ico',
    '/x/latest',
    '/processes/x',
    `/${A}x`,
  ])('%s names no process: 400, and nobody is asked', async (path) => {
    const { app, calls } = await worldWithTwo()
    const { error } = await expectError(app.request(path), 400, 'invalid-request')
    expect(error).toContain('process-id')
    expect(calls).toEqual([])
  })

  it.each([
    'x',
    '%00',
    A.slice(1),
    `${A}=`,
    `${A}A`,
    '%E0%A4%A',
    '__proto__',
    '~count%2F0',
    '%F0%9F%9A%80',
    'x'.repeat(5000),
  ])('by the malformed id %s is 400, and nobody is asked', async (id) => {
    const { app, calls, lines } = await worldWithTwo()
    for (const path of [
      `/?process-id=${id}`,
      `/${A}?process-id=${id}`,
      `/${A}?proc-id=${id}`,
      `/${id}`,
      `/${id}/latest`,
    ]) {
      await expectError(app.request(path), 400, 'invalid-request')
    }
    expect(calls).toEqual([])
    expect(JSON.stringify(lines)).not.toContain('xxxxx')
  })

  it.each([
    `/?process-id=${nobody}`,
    `/${nobody}`,
    `/${nobody}/latest`,
    `/processes/${nobody}`,
    `/${message}`,
    `/${A}?process-id=${nobody}`,
  ])('about a process that is not known is 400: %s', async (path) => {
    const { app } = await worldWithTwo()
    await expectError(app.request(path), 400, 'not-found')
  })

  it.each([
    [`/${nobody}`, 'No process with the id in the path is known here.'],
    [`/${nobody}?process-id=${nobody}`, 'The process that process-id names is not known here'],
    [`/${A}?proc-id=${nobody}`, 'The process that process-id names is not known here'],
  ])('about a process that is not known says where it was named: %s', async (path, sentence) => {
    const { app } = await worldWithTwo()
    const { error } = await expectError(app.request(path), 400, 'not-found')
    expect(error).toContain(sentence)
  })

  it('is 503 while the placements do not answer, and never "not known"', async () => {
    const { app, store } = await worldWithTwo()
    store.faults = {
      before: () => {
        throw new Error('connect ECONNREFUSED 10.1.2.3:8000')
      },
    }
    for (const path of [`/${A}`, `/?process-id=${nobody}`]) {
      expect(JSON.stringify(await expectError(app.request(path), 503, 'unavailable'))).not.toContain('10.1.2.3')
    }
  })

  it('is answered in time where they hang', async () => {
    const { app, store, clock } = await worldWithTwo()
    store.faults = { before: () => clock.sleep(600_000) }
    const begin = clock.now()
    await expectError(clock.run(Promise.resolve(app.request(`/${A}`))), 503, 'unavailable')
    expect(clock.now() - begin).toBe(20_000)
  })

  it('goes to a unit that is no longer listed, where that has the process', async () => {
    const { app, settle } = await worldWithTwo()
    await settle(nobody, 'https://old.example')
    expect((await app.request(`/${nobody}`)).headers.get('location')).toBe(`https://old.example/${nobody}`)
  })
})

describe('a path that leads elsewhere', () => {
  it.each([
    '//evil.example',
    '//evil.example/',
    `//evil.example/${A}`,
    `///${A}`,
    '/\\evil.example',
    '/%5Cevil.example/x',
    `/a/b/c?process-id=${A}`,
    `/${A}/latest/x`,
    `/${A}/?process-id=${A}`,
    `/health/x?process-id=${A}`,
  ])('%s is no route', async (path) => {
    const { app, calls } = await worldWithTwo()
    await expectError(app.request(`http://localhost${path}`), 404, 'no-such-route')
    expect(calls).toEqual([])
  })

  it('never changes the host of the answer', async () => {
    const { app } = await worldWithTwo()
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }).map((text) => encodeURIComponent(text.toWellFormed())),
      fc.string({
        unit: fc.constantFrom('/', '\\', '@', ':', '.', '?', '#', '%', '0', 'd', 'a', ';', 'é', '\r', '\n', '\t'),
        maxLength: 12,
      }),
      fc.constantFrom('@evil.example', '%0d%0aset-cookie:x', '..', '%2e%2e', 'https://evil.example', ':80'),
    )
    await fc.assert(
      fc.asyncProperty(hostile, hostile, fc.constantFrom('GET', 'HEAD', 'POST'), async (path, query, method) => {
        const asked = `http://localhost/${path}?${query}&process-id=${A}`
        if (!URL.canParse(asked)) return
        const response = await app.request(asked, { method })
        const location = response.headers.get('location')
        if (response.status === 307) expect(new URL(location ?? '').origin).toBe(SU1)
        else expect([400, 404]).toContain(response.status)
        expect(response.headers.get('set-cookie')).toBeNull()
      }),
      { numRuns: runs(500, 200) },
    )
  })
})

describe('where an allow-list rules', () => {
  async function worldWithList() {
    const world = await worldWithTwo()
    world.lists.processes = new Map([[A, { read: true, write: false }]])
    return world
  }

  it('what it names is sent on', async () => {
    const { app } = await worldWithList()
    for (const path of [
      `/${A}`,
      `/?process-id=${A}`,
      `/${message}?process-id=${A}`,
      `/processes/${A}`,
      `/${A}/latest`,
    ]) {
      expect((await app.request(path)).status).toBe(307)
    }
  })

  it('what it does not name is 403, known or not', async () => {
    const { app, calls } = await worldWithList()
    for (const path of [
      `/${B}`,
      `/?process-id=${B}`,
      `/${A}?process-id=${B}`,
      `/timestamp?process-id=${nobody}`,
      `/${message}`,
    ]) {
      await expectError(app.request(path), 403, 'forbidden')
    }
    expect(calls).toEqual([])
  })

  it('nothing is while the list was never read', async () => {
    const { app, lists } = await worldWithList()
    lists.processes = 'never read'
    await expectError(app.request(`/${A}`), 503, 'unavailable')
  })
})

describe('what a unit has beside', () => {
  it('is 404 and 405 here as there', async () => {
    const { app } = await worldWithTwo()
    for (const path of ['/x', `/${A}`, '/timestamp', '/health']) {
      await expectError(app.request(`${path}?process-id=${A}`, { method: 'POST', body: 'x' }), 404, 'no-such-route')
    }
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      await expectError(app.request(`/${A}`, { method }), 405, 'no-such-route')
    }
  })

  it('browsers may ask from anywhere', async () => {
    const { app, calls } = await worldWithTwo()
    const headers = { origin: 'https://example.org', 'access-control-request-method': 'POST' }
    const response = await app.request('/', { method: 'OPTIONS', headers })
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, '*'])
    expect(calls).toEqual([])
  })

  it('metrics are an instance’s, unless they are off', async () => {
    const { app } = await worldWithTwo()
    await app.request(`/${A}`)
    await app.request(`/${B}`)
    const text = await (await app.request('/metrics')).text()
    expect(text).toContain('su_redirects_total 2\n')
    expect(text).toContain('su_core_metrics_duration_milliseconds')
    const off = createRouterWorld({ parts: { metrics: undefined } })
    await expectError(off.app.request('/metrics'), 400, 'invalid-request')
  })

  it('a line in the log says which process it was', async () => {
    const { app, lines } = await worldWithTwo()
    const response = await app.request(`/${A}/latest`)
    expect(lines).toEqual([
      expect.objectContaining({
        route: '/:process/latest',
        status: 307,
        process: A,
        requestId: response.headers.get('x-request-id'),
      }),
    ])
  })
})

describe('the health', () => {
  it('is good while the placements answer and the list has all units that have processes', async () => {
    const { app } = await worldWithTwo()
    const response = await app.request('/health')
    expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }])
  })

  it('is bad where the list leaves out a unit that has processes, and says which', async () => {
    const { app, settle, clock } = await worldWithTwo()
    await settle(nobody, 'https://old.example')
    const { error } = await expectError(app.request('/health'), 503, 'unavailable')
    expect(error).toMatch(/leaves out 1 .*: https:\/\/old\.example$/)
    for (let number = 0; number < 9; number++) await settle(idFrom(`${number}`), `https://old${number}.example`)
    await clock.run(clock.sleep(5_000))
    const many = await expectError(app.request('/health'), 503, 'unavailable')
    expect(String(many.error).match(/https:/g)).toHaveLength(5)
  })

  it('is bad while the placements do not answer', async () => {
    const { app, store } = await worldWithTwo()
    store.faults = {
      before: () => {
        throw new Error('away')
      },
    }
    await expectError(app.request('/health'), 503, 'unavailable')
  })

  it('is asked of them every five seconds at most', async () => {
    const { app, calls, clock } = await worldWithTwo()
    for (let asked = 0; asked < 20; asked++) await app.request('/health')
    expect(calls).toHaveLength(1)
    await clock.run(clock.sleep(5_000))
    await app.request('/health')
    expect(calls).toHaveLength(2)
  })
})
