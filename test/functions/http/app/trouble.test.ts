/** What a client is told when something is slow, away or broken: never a dropped connection, never what is inside. */
import { describe, expect, it } from 'vitest'
import { SchedulerError } from '../../../../core/errors.ts'
import {
  A,
  idFrom,
  recorded,
  recordedItem,
  recordedRaw,
  signedMessage,
  signedProcess,
} from '../../../core/schedule/items.ts'
import { expectError, filledApp, page, post } from './asking.ts'
import { createUnitApp } from './unit-app.ts'

const away = () => {
  throw new Error('connect ECONNREFUSED 10.1.2.3:8000')
}

const lambda = (ms: number, awsRequestId = 'r-1') => ({
  context: { awsRequestId, getRemainingTimeInMillis: () => ms },
  requestContext: { http: { sourceIp: '127.0.0.1' } },
})

describe('a store that is away', () => {
  it('is 503 with a time to come back, and nothing of the store', async () => {
    const { app, unit, lines } = await filledApp()
    unit.store.faults = { before: away }
    for (const path of [page(), `/${recordedItem('msg1').id}`, `/${A}/latest`, `/processes/${A}`]) {
      const body = await expectError(app.request(path), 503, 'unavailable')
      expect(JSON.stringify(body)).not.toContain('10.1.2.3')
    }
    await expectError(post(app, await signedProcess()), 503, 'unavailable')
    await expectError(post(app, undefined, `/?process-id=${A}&assign=${recorded.txs.base.id}`), 503, 'unavailable')
    expect(JSON.stringify(lines)).toContain('10.1.2.3')
  })

  it('does not make a thing that is there look as if it were not', async () => {
    const { app, unit } = await filledApp()
    unit.store.faults = {
      before: ({ name }) => {
        if (name === 'find') away()
      },
    }
    await expectError(app.request(`/${recordedItem('msg1').id}`), 503, 'unavailable')
    expect((await app.request(page())).status).toBe(200)
  })

  it('hurts no page while it is only the index', async () => {
    const { app, unit } = await filledApp()
    unit.index.faults = { before: away }
    expect((await app.request(page('&from=1&to=9999999999999'))).status).toBe(200)
  })
})

describe('a bug', () => {
  it('is 500 without a word of it, and a line in the log', async () => {
    const { app, unit, lines } = await filledApp()
    const broken = new TypeError('secret detail of /home/unit/wallet.json')
    for (const [port, method] of [
      [unit.store, 'head'],
      [unit.store, 'find'],
      [unit.lists, 'addressAllowed'],
    ] as const) {
      const original: unknown = Reflect.get(port, method)
      Object.assign(port, { [method]: () => Promise.reject(broken) })
      lines.length = 0
      const answer =
        method === 'addressAllowed' ? post(app, recordedRaw('msg4')) : app.request(`/${recordedItem('msg1').id}`)
      const body = await expectError(answer, 500, 'internal')
      expect(body).toEqual({ error: 'Something went wrong in the scheduler unit', code: 'internal' })
      expect(lines.filter(({ level }) => level === 'error')).toHaveLength(1)
      expect(JSON.stringify(lines)).toContain('secret detail')
      Object.assign(port, { [method]: original })
    }
  })

  it('in what checks the health is one, too', async () => {
    const health = async () => {
      throw new TypeError('secret detail')
    }
    await expectError(createUnitApp({ parts: { health } }).app.request('/health'), 500, 'internal')
  })
})

describe('a request', () => {
  it('has the id of its invocation, in the answer and in the log', async () => {
    const { app, lines } = await filledApp()
    lines.length = 0
    for (const [path, status] of [
      ['/', 200],
      ['/nothing', 400],
      ['/a/b/c', 404],
    ] as const) {
      const response = await app.request(path, {}, lambda(30_000, `r-${status}`))
      expect([response.status, response.headers.get('x-request-id')]).toEqual([status, `r-${status}`])
    }
    expect(lines.map(({ requestId }) => requestId)).toEqual(['r-200', 'r-400', 'r-404'])
  })

  it('has another id each time where the platform gives none', async () => {
    const { app } = createUnitApp()
    const [first, second] = await Promise.all([app.request('/'), app.request('/')])
    expect(first.headers.get('x-request-id')).not.toBe(second.headers.get('x-request-id'))
  })

  it('is answered within its patience, and before its invocation ends', async () => {
    for (const [env, ms] of [
      [{}, 20_000],
      [lambda(900_000), 20_000],
      [lambda(10_000), 8_500],
      [lambda(1_000), 0],
    ] as const) {
      const { app, unit } = await filledApp()
      unit.gateway.faults = { before: () => unit.clock.sleep(600_000) }
      const begin = unit.clock.now()
      const assign = `/?process-id=${A}&assign=${recorded.txs.ao.id}`
      const answer = await unit.clock.run(post(app, undefined, assign, {}, env))
      await expectError(answer, 503, 'unavailable')
      expect(unit.clock.now() - begin).toBe(ms)
    }
  })

  it('whose commit is slow is told that it may have been scheduled', async () => {
    const { app, unit } = await filledApp()
    unit.store.faults = {
      before: ({ name }) => (name === 'commit' ? unit.clock.sleep(60_000) : undefined),
    }
    const work = post(app, await signedMessage())
    while (!unit.calls.includes('store.commit')) await new Promise((resolve) => setTimeout(resolve, 1))
    const { error } = await expectError(await unit.clock.run(work), 503, 'unavailable')
    expect(error).toContain('may have been scheduled')
  })

  it('that is refused by a foreign log is told so', async () => {
    const { app, unit } = createUnitApp()
    const wallet = idFrom('another wallet')
    unit.identity.identity = { wallet, owner: Buffer.alloc(512), tables: unit.identity.tables, generation: 0 }
    await expectError(post(app, recordedRaw('procA')), 503, 'foreign-log')
  })

  it('that fails by a code of its own keeps its time to come back', async () => {
    const health = async () => {
      throw new SchedulerError('unavailable', 'Later.', { retryAfter: 17 })
    }
    const response = await createUnitApp({ parts: { health } }).app.request('/health')
    expect(response.headers.get('retry-after')).toBe('17')
  })
})
