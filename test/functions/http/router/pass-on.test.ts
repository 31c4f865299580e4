/** What the router asks of units itself: assignments always, everything where it is configured so. */
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../../core/ports/clock.ts'
import type { RouterParts } from '../../../../functions/http/router-parts.ts'
import { isProven } from '../../../../functions/http/router-proof.ts'
import { createRouterCheck } from '../../../../network/router-check.ts'
import { A, B, idFrom, recorded, recordedItem, recordedRaw, signedMessage } from '../../../core/schedule/items.ts'
import { deadUrl, type OutsideServer, send } from '../../../network/outside-server.ts'
import { drain, expectError, from, jsonOf, post } from '../app/asking.ts'
import { behindCdn, CDN_SECRET } from '../app/unit-app.ts'
import { createRouterWorld, ROUTER_SECRETS, served, unitAt, unitServer } from './router-world.ts'

const tx = recorded.txs.base.id
const assign = (process = A, transaction = tx, rest = '&base-layer') =>
  `/?process-id=${process}&assign=${transaction}${rest}`

const json = { 'content-type': 'application/json' }

/** A router whose A is on this unit. */
async function routerBefore(url: string, everything = false, more: Partial<RouterParts> = {}) {
  const world = createRouterWorld({
    units: [unitAt(url)],
    clock: systemClock,
    parts: { passOn: { everything, secrets: ROUTER_SECRETS }, ...more },
  })
  await world.settle(A, url)
  return world
}

async function routerAndUnit(answer: OutsideServer['answer'], everything = false, more: Partial<RouterParts> = {}) {
  const unit = await unitServer(answer)
  return { unit, ...(await routerBefore(unit.url, everything, more)) }
}

/** What Lambda says where little time is left, ms. */
const lambda = (ms: number) => ({ context: { awsRequestId: 'r', getRemainingTimeInMillis: () => ms } })

describe('an assignment', () => {
  it('is asked of the unit, and its answer returned', async () => {
    const answers: [number, Record<string, string>, object][] = [
      [200, json, { id: idFrom('assignment'), timestamp: 1 }],
      [400, json, { error: 'already' }],
      [503, { ...json, 'retry-after': '17' }, { error: 'later' }],
      [307, { location: 'https://elsewhere.example/x' }, {}],
      [502, json, { Message: 'Internal Server Error' }],
    ]
    for (const [status, headers, body] of answers) {
      const { app, unit } = await routerAndUnit((_, response) => send(response, status, body, headers))
      const response = await post(app, undefined, assign())
      expect(response.status).toBe(status)
      expect(await response.json()).toEqual(body)
      for (const [name, value] of Object.entries(headers)) expect(response.headers.get(name)).toBe(value)
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(unit.requests).toHaveLength(1)
      expect(unit.requests[0]).toMatchObject({ method: 'POST', path: '/', search: assign().slice(1) })
    }
  })

  it('has a body for nobody, and only headers that are meant for units', async () => {
    const { app, unit } = await routerAndUnit((_, response) => send(response, 200, {}, json))
    const env = from('203.0.113.9')
    const headers = {
      accept: 'application/json',
      'content-type': 'application/octet-stream',
      cookie: 'a=b',
      authorization: 'Bearer x',
      'x-cdn-secret': 'not the secret of the CDN',
      'cloudfront-viewer-address': '10.0.0.1:1',
      'x-forwarded-for': '10.0.0.1',
      'x-real-ip': '10.0.0.1',
      host: 'evil.example',
      connection: 'x-router-caller',
    }
    await post(app, Buffer.from('ignored'), assign(), headers, env)
    const [request] = unit.requests
    expect(request?.body).toHaveLength(0)
    expect(request?.headers).toMatchObject({
      host: new URL(unit.url).host,
      accept: 'application/json',
      'content-type': 'application/octet-stream',
      'content-length': '0',
      'x-router-caller': '203.0.113.9',
    })
    for (const name of [
      'cookie',
      'authorization',
      'x-cdn-secret',
      'cloudfront-viewer-address',
      'x-forwarded-for',
      'x-real-ip',
    ]) {
      expect(request?.headers).not.toHaveProperty(name)
    }
  })

  it('proves for whom it is', async () => {
    const unit = await unitServer((_, response) => send(response, 200, {}, json))
    const alone = await routerBefore(unit.url)
    const withCdn = await routerBefore(unit.url, false, behindCdn)
    const cdn = { 'x-cdn-secret': CDN_SECRET, 'cloudfront-viewer-address': '203.0.113.7:4711' }
    await post(alone.app, undefined, assign(), {}, from('203.0.113.9'))
    await post(withCdn.app, undefined, assign(), cdn, from('203.0.113.9'))
    await post(alone.app, undefined, assign(), {}, {})
    for (const [index, caller] of ['203.0.113.9', '203.0.113.7', ''].entries()) {
      const headers = unit.requests[index]?.headers ?? {}
      expect(headers['x-router-caller']).toBe(caller)
      const asked = { method: 'POST', url: `https://unit.example${assign()}`, caller }
      expect(isProven(ROUTER_SECRETS, asked, String(headers['x-router-proof']), Date.now())).toBe(true)
    }
  })

  it('proves nothing without a secret', async () => {
    const unit = await unitServer((_, response) => send(response, 200, {}, json))
    const world = createRouterWorld({
      units: [unitAt(unit.url)],
      clock: systemClock,
      parts: { passOn: { everything: false } },
    })
    await world.settle(A, unit.url)
    await post(world.app, undefined, assign())
    expect(unit.requests[0]?.headers).not.toHaveProperty('x-router-proof')
  })

  it.each([
    [`/?assign=${tx}`, 'invalid-request'],
    [`/?assign=${tx}&proc-id=${A}`, 'invalid-request'],
    [`/?process-id=${A}&assign=`, 'invalid-request'],
    [`/?process-id=&assign=${tx}`, 'invalid-request'],
    [`/?process-id=${A}&assign=short`, 'invalid-request'],
    [`/?process-id=short&assign=${tx}`, 'invalid-request'],
    [`/?process-id=~count/0&assign=${tx}`, 'invalid-request'],
    [`/?process-id=${idFrom('nobody')}&assign=${tx}`, 'not-found'],
  ])('%s is refused here', async (path, code) => {
    const { app, unit, calls } = await routerAndUnit((_, response) => send(response, 200))
    await expectError(post(app, recordedRaw('msg1'), path), 400, code)
    expect(unit.requests).toEqual([])
    if (code === 'invalid-request') expect(calls).toEqual([])
  })

  it('that a router has passed on is not passed on again', async () => {
    const { app, unit } = await routerAndUnit((_, response) => send(response, 200))
    for (const headers of [{ 'x-router-proof': '1.0' }, { 'x-router-caller': '203.0.113.9' }]) {
      await expectError(post(app, undefined, assign(), headers), 400, 'invalid-request')
    }
    expect(unit.requests).toEqual([])
    // A redirect is no loop.
    expect((await app.request(`/${A}`, { headers: { 'x-router-proof': '1.0' } })).status).toBe(307)
  })
})

describe('a unit', () => {
  it('that is down is 503, and asking again is said to be safe', async () => {
    const { app } = await routerBefore(await deadUrl())
    const { error } = await expectError(post(app, undefined, assign()), 503, 'unavailable')
    expect(error).toContain('asking again is safe')
  })

  it('that hangs is 503 before the invocation ends', async () => {
    const { app } = await routerAndUnit(() => {})
    await expectError(post(app, undefined, assign(), {}, lambda(1_800)), 503, 'unavailable')
  })

  it('that closes a connection which was kept is asked once more', async () => {
    let asked = 0
    const { app } = await routerAndUnit((_, response) => {
      asked++
      if (asked === 2) response.socket?.destroy()
      else send(response, 200, { asked }, json)
    })
    expect(await jsonOf(post(app, undefined, assign()))).toEqual({ asked: 1 })
    expect(await jsonOf(post(app, undefined, assign()))).toEqual({ asked: 3 })
  })

  it('that refuses the repetition of what the first attempt scheduled has scheduled it', async () => {
    const refusals: [Record<string, unknown>, number][] = [
      [{ code: 'already-scheduled', id: idFrom('assignment'), timestamp: Date.now() + 60_000 }, 200],
      // This one was scheduled before the request.
      [{ code: 'already-scheduled', id: idFrom('assignment'), timestamp: Date.now() - 60_000 }, 400],
      [{ code: 'deep-hash-known', id: idFrom('another'), timestamp: Date.now() + 60_000 }, 400],
      [{ code: 'already-scheduled' }, 400],
    ]
    for (const [refusal, status] of refusals) {
      const { app, unit } = await routerAndUnit((_, response) => {
        if (unit.requests.length === 1) response.socket?.destroy()
        else send(response, 400, { error: 'It is there.', ...refusal }, json)
      })
      const response = await post(app, undefined, assign())
      expect([response.status, response.headers.get('cache-control')]).toEqual([status, 'no-store'])
      expect(await response.json()).toEqual(
        status === 200 ? { id: refusal.id, timestamp: refusal.timestamp } : { error: 'It is there.', ...refusal },
      )
    }
  })

  it('that refuses at the first attempt is believed', async () => {
    const refusal = { code: 'already-scheduled', id: idFrom('assignment'), timestamp: Date.now() + 60_000 }
    const { app } = await routerAndUnit((_, response) => send(response, 400, refusal, json))
    expect((await post(app, undefined, assign())).status).toBe(400)
  })

  it('that always closes it is 503', async () => {
    const { app, unit } = await routerAndUnit((_, response) => {
      response.socket?.destroy()
    })
    await expectError(post(app, undefined, assign()), 503, 'unavailable')
    expect(unit.requests).toHaveLength(2)
  })

  it('that breaks off midway breaks off for the client, and an operator sees why', async () => {
    for (const headers of [json, { ...json, 'content-length': '1000' }]) {
      const { app, lines } = await routerAndUnit((_, response) => {
        response.writeHead(200, headers)
        response.write('{"id":"', () => setTimeout(() => response.socket?.destroy(), 20))
      })
      const response = await post(app, undefined, assign())
      expect(response.status).toBe(200)
      expect(await drain(response)).toEqual({ text: '{"id":"', broken: true })
      expect(lines).toContainEqual(expect.objectContaining({ message: 'an answer of a unit was cut off' }))
    }
  })

  it('that hangs midway is cut before the invocation ends', async () => {
    const { app } = await routerAndUnit((_, response) => {
      response.writeHead(200, json)
      response.write('{')
    })
    const response = await post(app, undefined, assign(), {}, lambda(2_000))
    expect(await drain(response)).toEqual({ text: '{', broken: true })
  })
})

describe('where everything is passed on', () => {
  const page = `/${A}?process-id=${A}&limit=1000`

  it('questions are, in whatever way they name their process', async () => {
    const { app, unit } = await routerAndUnit(
      ({ path, search }, response) =>
        send(response, 200, { path, search }, { ...json, 'cache-control': 'public, max-age=60' }),
      true,
    )
    for (const path of [
      `/${A}`,
      page,
      `/timestamp?process-id=${A}`,
      `/${A}/latest`,
      `/processes/${A}`,
      `/?proc-id=${A}`,
    ]) {
      const response = await app.request(path)
      expect(response.headers.get('cache-control')).toBe('public, max-age=60')
      expect(response.headers.get('location')).toBeNull()
      const { path: at, search } = (await response.json()) as { path: string; search: string }
      expect(at + search).toBe(path)
    }
    expect(unit.requests.every(({ method }) => method === 'GET')).toBe(true)
    await expectError(app.request(`/${B}`), 400, 'not-found')
    await expectError(app.request('/'), 400, 'invalid-request')
  })

  it('a unit that asks where it would be sent is told, and not asked itself', async () => {
    const { app, unit } = await routerAndUnit((_, response) => send(response, 200, {}, json), true)
    await createRouterCheck({ routerUrl: await served(() => app), ownUrl: unit.url }).claim(A)
    expect(unit.requests).toEqual([])
  })

  it('HEAD is asked as HEAD', async () => {
    const { app, unit } = await routerAndUnit((_, response) => send(response, 200, '', json), true)
    const response = await app.request(page, { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(unit.requests.map(({ method }) => method)).toEqual(['HEAD'])
  })

  it('items are, as they were signed', async () => {
    const { app, unit } = await routerAndUnit((_, response) => send(response, 200, { id: 'x' }, json), true)
    const message = await signedMessage({ data: 'hello' })
    expect(await jsonOf(post(app, message, '/?x=1'))).toEqual({ id: 'x' })
    expect(await jsonOf(post(app, gzipSync(message.raw), '/', { 'content-encoding': 'gzip' }))).toEqual({ id: 'x' })
    expect(await jsonOf(post(app, recordedRaw('procB')))).toEqual({ id: 'x' })
    expect(unit.requests.map(({ body }) => body)).toEqual([message.raw, message.raw, recordedRaw('procB')])
    expect(unit.requests[1]?.headers).not.toHaveProperty('content-encoding')
    // What no unit would take goes to none.
    await expectError(post(app, recordedRaw('msgBadSignature')), 400, 'invalid-item')
    expect(unit.requests).toHaveLength(3)
  })

  it('a large page streams, its first bytes before its last', async () => {
    let finish = () => {}
    const megabyte = 'x'.repeat(1_000_000)
    const { app } = await routerAndUnit((_, response) => {
      response.writeHead(200, json)
      response.write(megabyte)
      finish = () => {
        for (let more = 0; more < 19; more++) response.write(megabyte)
        response.end()
      }
    }, true)
    let bytes = 0
    for await (const chunk of (await app.request(page)).body ?? []) {
      // The unit goes on only when the client has the beginning.
      if (bytes === 0) finish()
      bytes += chunk.length
    }
    expect(bytes).toBe(20_000_000)
  })

  it('a page that is packed arrives as it was before', async () => {
    const text = JSON.stringify({ page: 'x'.repeat(10_000) })
    const { app } = await routerAndUnit(
      (_, response) => send(response, 200, gzipSync(text), { ...json, 'content-encoding': 'gzip' }),
      true,
    )
    const response = await app.request(page, { headers: { 'accept-encoding': 'gzip' } })
    expect([response.headers.get('content-encoding'), await response.text()]).toEqual([null, text])
  })

  it('a page that breaks off, breaks off', async () => {
    const { app } = await routerAndUnit((_, response) => {
      response.writeHead(200, json)
      response.write('x'.repeat(100_000), () => setTimeout(() => response.socket?.destroy(), 20))
    }, true)
    const { text, broken } = await drain(await app.request(page))
    expect([text.length, broken]).toEqual([100_000, true])
  })

  it('a page that may be kept and breaks off is an error, and one that does not is complete', async () => {
    const kept = { ...json, 'cache-control': 'public, max-age=31536000, immutable', etag: '"1"' }
    let whole = false
    const { app } = await routerAndUnit((_, response) => {
      response.writeHead(200, kept)
      response.write('x'.repeat(100_000), () => (whole ? response.end() : response.socket?.destroy()))
    }, true)
    const broken = await app.request(page)
    expect(broken.headers.get('etag')).toBeNull()
    await expectError(broken, 503, 'unavailable')
    whole = true
    const response = await app.request(page)
    for (const [name, value] of Object.entries(kept)) expect(response.headers.get(name)).toBe(value)
    expect(response.headers.get('content-length')).toBe('100000')
    expect(await response.text()).toHaveLength(100_000)
  })

  it('what a client leaves is given up', async () => {
    let closed = false
    const { app } = await routerAndUnit((_, response) => {
      response.writeHead(200, json)
      response.on('close', () => {
        closed = true
      })
      const more = setInterval(() => response.write('x'.repeat(100_000)), 5)
      response.on('close', () => clearInterval(more))
    }, true)
    const reader = (await app.request(page)).body?.getReader()
    await reader?.read()
    await reader?.cancel()
    await expect.poll(() => closed, { timeout: 5_000 }).toBe(true)
  })

  it('what may be kept is said as the unit says it, and what a client has is asked about', async () => {
    const kept = { ...json, etag: '"1"', vary: 'Accept-Encoding', 'cache-control': 'public', 'x-last-cursor': '7' }
    const { app, unit } = await routerAndUnit(({ headers }, response) => {
      if (headers['if-none-match'] === '"1"') response.writeHead(304, kept).end()
      else send(response, 200, {}, kept)
    }, true)
    for (const [known, status] of [
      ['"2"', 200],
      ['"1"', 304],
    ] as const) {
      const response = await app.request(page, { headers: { 'if-none-match': known, 'accept-encoding': 'gzip' } })
      expect(response.status).toBe(status)
      for (const [name, value] of Object.entries(kept)) expect(response.headers.get(name)).toBe(value)
    }
    expect(unit.requests.map(({ headers }) => headers['accept-encoding'])).toEqual(['identity', 'identity'])
  })

  it('nothing that an allow-list judged is kept by anybody', async () => {
    const { app, lists } = await routerAndUnit(
      (_, response) => send(response, 200, {}, { ...json, 'cache-control': 'public, max-age=60', etag: '"1"' }),
      true,
    )
    lists.processes = new Map([[A, { read: true, write: true }]])
    const { headers } = await app.request(page)
    expect([headers.get('cache-control'), headers.get('etag')]).toEqual(['no-store', null])
    await expectError(app.request(`/${B}`), 403, 'forbidden')
  })

  it('routers do not go on asking each other', async () => {
    const { app, unit } = await routerAndUnit((_, response) => send(response, 200), true)
    await expectError(app.request(page, { headers: { 'x-router-caller': '' } }), 400, 'invalid-request')
    await expectError(post(app, recordedItem('msg1'), '/', { 'x-router-proof': '1.0' }), 400, 'invalid-request')
    expect(unit.requests).toEqual([])
  })

  it('only units of the list and of the placements are asked, whatever a request names', async () => {
    const bystander = await unitServer((_, response) => send(response, 200))
    const { app, unit } = await routerAndUnit((_, response) => send(response, 200), true)
    const { host } = new URL(bystander.url)
    for (const path of [
      `//${host}/${A}?process-id=${A}`,
      `/${A}?process-id=${A}&url=${bystander.url}`,
      `/@${host}?process-id=${A}`,
      `/${encodeURIComponent(bystander.url)}?process-id=${A}`,
      `/..%2f..%2f@${host}?process-id=${A}`,
      `/\\\\${host}?process-id=${A}`,
    ]) {
      await app.request(`http://localhost${path}`, { headers: { host, 'x-forwarded-host': host } })
      await app.request(`http://${host}${path}`)
    }
    expect(bystander.requests).toEqual([])
    expect(unit.requests.length).toBeGreaterThan(0)
  })
})
