/** Methods, paths and queries of any kind: a clear answer, and nothing asked of anybody that is no id. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { A, recordedItem } from '../../../core/schedule/items.ts'
import { runs } from '../../../effort.ts'
import { expectError, filledApp, page } from './asking.ts'
import { createUnitApp } from './unit-app.ts'

describe('a path that is no route', () => {
  it.each(['/a/b/c', '/processes/a/b', `/${A}/latest/x`, `/${A}/`, '/processes/', '//', '/a//', '/health/x', '/_/x/y'])(
    '%s is 404, in JSON',
    async (path) => {
      const { app, unit } = createUnitApp()
      await expectError(app.request(`http://localhost${path}`), 404, 'no-such-route')
      expect(unit.calls).toEqual([])
    },
  )

  it('is not to be posted to', async () => {
    const { app } = createUnitApp()
    for (const path of ['/x', `/${A}`, '/processes/x', '/health', '/timestamp']) {
      await expectError(app.request(path, { method: 'POST', body: 'x' }), 404, 'no-such-route')
    }
  })
})

describe('a method that no route has', () => {
  it.each(['PUT', 'DELETE', 'PATCH', 'PROPFIND', 'QUERY'])('%s is 405, in JSON', async (method) => {
    const { app } = createUnitApp()
    for (const path of ['/', `/${A}`, '/a/b/c', '/health']) {
      const response = await app.request(path, { method })
      expect(response.headers.get('allow')).toBe('GET, HEAD, POST, OPTIONS')
      await expectError(response, 405, 'no-such-route')
    }
  })
})

describe('HEAD', () => {
  it('is GET without a body', async () => {
    const { app } = await filledApp()
    for (const path of [
      '/',
      '/timestamp',
      '/health',
      '/metrics',
      page(),
      `/${recordedItem('msg1').id}`,
      `/${A}/latest`,
    ]) {
      const [head, got] = await Promise.all([app.request(path, { method: 'HEAD' }), app.request(path)])
      expect(head.status).toBe(200)
      expect(await head.text()).toBe('')
      expect(head.headers.get('content-type')).toBe(got.headers.get('content-type'))
    }
    expect((await app.request('/nothing', { method: 'HEAD' })).status).toBe(400)
    expect((await app.request('/a/b/c', { method: 'HEAD' })).status).toBe(404)
  })
})

describe('an id that is none', () => {
  const garbage = [
    'favicon.ico',
    '%E0%A4%A',
    '%',
    '%00',
    '%00'.repeat(43),
    '%2e%2e%2f%2e%2e',
    '%2F',
    `${A}%00`,
    `${A}=`,
    A.slice(1),
    `${A}${A}`,
    'x'.repeat(10_000),
    '%F0%9F%9A%80',
    '__proto__',
    '<script>',
  ]

  it.each(garbage)('%s', async (id) => {
    const { app, unit, lines } = createUnitApp()
    await expectError(app.request(`/${id}`), 400, 'not-found')
    expect(unit.calls).toEqual([])
    for (const path of [`/${id}/latest`, `/processes/${id}`]) await expectError(app.request(path), 400, 'not-found')
    // Neither the answer nor the log repeats it.
    expect(JSON.stringify(lines)).not.toContain('xxxxx')
    expect(lines.every(({ level }) => level === 'info')).toBe(true)
  })

  it('in the query hurts nobody', async () => {
    const { app } = await filledApp()
    for (const query of garbage) {
      expect((await app.request(`/${A}?process-id=${query}&${query}=${query}`)).status).toBe(200)
      const message = recordedItem('msg1').id
      expect((await app.request(`/${message}?process-id=${query}&proc-id=${query}`)).status).toBe(200)
    }
  })
})

describe('any path and query', () => {
  it('is answered, never by an accident', async () => {
    const { app } = await filledApp()
    const names = ['process-id', 'proc-id', 'from', 'to', 'from-nonce', 'to-nonce', 'limit', 'show-anchor', 'assign']
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom(A, 'latest', 'processes', '-1'),
    )
    const rawPiece = fc.oneof(
      piece.map((text) => encodeURIComponent(text.toWellFormed())),
      fc.string({ unit: fc.constantFrom('%', '0', 'A', 'f', '+', ';', ':', '~'), maxLength: 9 }),
    )
    const parameter = fc.tuple(fc.oneof(fc.constantFrom(...names), rawPiece), rawPiece).map((pair) => pair.join('='))
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'POST', 'HEAD'),
        fc.array(rawPiece, { maxLength: 3 }),
        fc.array(parameter, { maxLength: 5 }),
        async (method, path, query) => {
          const response = await app.request(`/${path.join('/')}?${query.join('&')}`, { method })
          const text = await response.text()
          expect([200, 400, 404]).toContain(response.status)
          if (method !== 'HEAD' && response.status !== 200) expect(JSON.parse(text).error).toMatch(/./)
        },
      ),
      { numRuns: runs(500, 200) },
    )
  })
})
