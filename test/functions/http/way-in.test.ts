/** The one way in: where CDN_SECRET is set, unit and router take nothing that did not come through the CDN. */
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../core/ports/clock.ts'
import { Secret } from '../../../functions/config/secret.ts'
import { A, recorded, recordedItem, recordedRaw } from '../../core/schedule/items.ts'
import { expectError, from, post } from './app/asking.ts'
import { behindCdn, CDN_SECRET, createUnitApp } from './app/unit-app.ts'
import { createRouterWorld, ROUTER_SECRETS, served, unitAt } from './router/router-world.ts'

const fromCdn = { 'x-cdn-secret': CDN_SECRET, 'cloudfront-viewer-address': '203.0.113.7:4711' }

/** With everything that an app asks of anybody: `calls` of the log, the lists, the gateway or the table of placements. */
const apps = {
  unit() {
    const { app, unit, lines } = createUnitApp({ parts: { ...behindCdn, health: notAsked } })
    unit.lists.addresses = 'never read'
    unit.lists.processes = 'never read'
    return { app, calls: unit.calls, lines }
  },
  router() {
    const { app, calls, lists, lines } = createRouterWorld({ parts: { ...behindCdn, health: notAsked } })
    lists.addresses = 'never read'
    lists.processes = 'never read'
    return { app, calls, lines }
  },
}

const notAsked = async () => {
  throw new Error('The health was looked at')
}

const requests: [method: string, path: string, body?: Buffer][] = [
  ['GET', '/'],
  ['GET', '/health'],
  ['GET', '/metrics'],
  ['GET', '/timestamp'],
  ['GET', `/${A}?process-id=${A}`],
  ['GET', `/${A}/latest`],
  ['GET', `/processes/${A}`],
  ['GET', `/${recordedItem('msg1').id}?process-id=${A}`],
  ['GET', '/no/such/route'],
  ['POST', '/', recordedRaw('procA')],
  ['POST', '/', recordedRaw('msg1')],
  ['POST', '/', Buffer.from('garbage')],
  ['POST', '/', Buffer.alloc(5_000_000)],
  ['POST', `/?process-id=${A}&assign=${recorded.txs.base.id}&base-layer`],
  ['PUT', '/'],
  ['OPTIONS', '/'],
]

const ask = (app: Hono, [method, path, body]: (typeof requests)[number], headers: Record<string, string> = {}) =>
  app.request(path, { method, headers, body: body ? new Uint8Array(body) : null }, from('203.0.113.9'))

describe.each(['unit', 'router'] as const)('a %s', (name) => {
  it.each(requests)(
    'refuses %s %s that did not come through the CDN, before anything is looked up',
    async (...asked) => {
      const { app, calls, lines } = apps[name]()
      const guesses = ['', 'the secret of the CD', 'The secret of the CDN', `${CDN_SECRET},${CDN_SECRET}`]
      for (const headers of [{}, ...guesses.map((guess) => ({ ...fromCdn, 'x-cdn-secret': guess }))]) {
        const { error } = await expectError(ask(app, asked, headers), 403, 'forbidden')
        expect(error).toContain('through the CDN only')
      }
      expect(calls).toEqual([])
      // An operator sees that somebody knocks; nothing of the secret is said.
      expect(lines).toHaveLength(1 + guesses.length)
      expect(lines[0]).toMatchObject({ level: 'info', status: 403, code: 'forbidden' })
      expect(JSON.stringify(lines)).not.toContain('secret of')
    },
  )

  it('takes what did, by either of two secrets while one is changed', async () => {
    const two = { cdnSecrets: new Secret(['the next one of the CDN', CDN_SECRET]) }
    const app = name === 'unit' ? createUnitApp({ parts: two }).app : createRouterWorld({ parts: two }).app
    for (const secret of two.cdnSecrets.reveal()) {
      const headers = { 'x-cdn-secret': secret }
      expect((await ask(app, ['GET', '/health'], headers)).status).toBe(200)
      expect((await ask(app, ['OPTIONS', '/'], headers)).status).toBe(200)
      await expectError(ask(app, ['GET', '/no/such/route'], headers), 404, 'no-such-route')
    }
    await expectError(ask(app, ['GET', '/health']), 403, 'forbidden')
  })

  it('takes everything where there is no CDN', async () => {
    const app = name === 'unit' ? createUnitApp().app : createRouterWorld().app
    expect((await ask(app, ['GET', '/health'])).status).toBe(200)
    expect((await ask(app, ['GET', '/health'], { 'x-cdn-secret': 'of some other CDN' })).status).toBe(200)
  })
})

describe('what a router passes on', () => {
  /** As CloudFront does it: its secret, and who asked it, whatever the request says of that. */
  const cdnBefore = (app: Hono) =>
    served(() => {
      const cdn = new Hono()
      cdn.all('*', async ({ req: { raw } }) => {
        const headers = new Headers(raw.headers)
        for (const [header, value] of Object.entries(fromCdn)) headers.set(header, value)
        return app.fetch(new Request(raw, { headers }), from('198.51.100.1'))
      })
      return cdn
    })

  it('reaches the unit through the unit’s CDN, and nothing of it goes around', async () => {
    const parts = { ...behindCdn, routerSecrets: ROUTER_SECRETS }
    const { app, unit } = createUnitApp({ clock: systemClock, parts })
    expect((await post(app, recordedRaw('procA'), '/', fromCdn)).status).toBe(200)
    unit.lists.addresses = new Set(['192.0.2.1'])
    const assign = `/?process-id=${A}&assign=${recorded.txs.base.id}&base-layer`
    const throughRouter = async (url: string) => {
      const world = createRouterWorld({ units: [unitAt(url)], clock: systemClock, parts: behindCdn })
      await world.settle(A, url)
      const viewer = { ...fromCdn, 'cloudfront-viewer-address': '192.0.2.1:4711' }
      return post(world.app, undefined, assign, viewer, from('198.51.100.2'))
    }
    await expectError(throughRouter(await served(() => app)), 403, 'forbidden')
    const answer = await throughRouter(await cdnBefore(app))
    expect(answer.status, await answer.clone().text()).toBe(200)
  })
})
