import { randomBytes } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createBundler } from '../../network/bundler.ts'
import { createCache } from '../../network/cache.ts'
import { FakeBundler, FakeCache } from '../fakes/bundler.ts'
import { bundlerBehaviours, cacheBehaviours, type Mood, receiptId } from '../suites/bundler.ts'
import { randomId } from '../suites/gateway.ts'
import { deadUrl, type OutsideServer, send, startOutsideServer } from './outside-server.ts'

bundlerBehaviours('the fake', async () => {
  const bundler = new FakeBundler()
  return {
    bundler,
    taken: () => [...bundler.taken.values()],
    setMood(mood) {
      bundler.decide = () => {
        if (mood === 'refuses') return { kind: 'refused', reason: 'no' }
        if (mood === 'asks for patience') return { kind: 'trouble', reason: 'busy', away: true, retryAfterMs: 7000 }
        return mood === 'is down' ? { kind: 'trouble', reason: 'down', away: true } : undefined
      }
    },
    close: async () => {},
  }
})

bundlerBehaviours('the adapter', async () => {
  let mood: Mood = 'takes'
  const taken: Buffer[] = []
  const server = await startOutsideServer((request, response) => {
    if (request.method !== 'POST' || request.path !== '/v1/tx/arweave') return send(response, 404)
    if (request.headers['content-type'] !== 'application/octet-stream') return send(response, 400)
    if (mood === 'refuses') return send(response, 400, 'Invalid Data Item')
    if (mood === 'asks for patience') return send(response, 429, 'slow down', { 'retry-after': '7' })
    if (mood === 'is down') return void response.socket?.destroy()
    taken.push(request.body)
    return send(response, 200, { id: receiptId(request.body) })
  })
  return {
    bundler: createBundler({ url: `${server.url}/v1/`, timeoutMs: 1000 }),
    taken: () => taken,
    setMood(value) {
      mood = value
    },
    close: () => server.close(),
  }
})

cacheBehaviours('the fake', async () => {
  const cache = new FakeCache()
  return {
    cache,
    taken: () => [...cache.taken.values()],
    setMood(mood) {
      cache.takes = () => mood === 'takes'
    },
    close: async () => {},
  }
})

cacheBehaviours('the adapter', async () => {
  let down = false
  const taken: Buffer[] = []
  const server = await startOutsideServer((request, response) => {
    if (down) return void response.socket?.destroy()
    if (`${request.path}${request.search}` !== '/cache/id?codec-device=ans104@1.0') return send(response, 404)
    taken.push(request.body)
    return send(response, 200)
  })
  return {
    cache: createCache({ url: `${server.url}/cache/`, timeoutMs: 1000 }),
    taken: () => taken,
    setMood(mood) {
      down = mood === 'is down'
    },
    close: () => server.close(),
  }
})

const started = async (answer: OutsideServer['answer']): Promise<OutsideServer> => {
  const server = await startOutsideServer(answer)
  onTestFinished(() => server.close())
  return server
}

describe('what a bundler answers', () => {
  const outcomeOf = async (
    status: number,
    body: unknown = '',
    headers: Record<string, string> = {},
    options: { id?: string; receipts?: boolean } = {},
  ) => {
    const { id = randomId(), receipts = true } = options
    const server = await started((_, response) => send(response, status, body, headers))
    return await createBundler({ url: server.url, receipts, timeoutMs: 1000 }).upload(id, randomBytes(64))
  }

  it.each([200, 201, 202])('%i with a receipt that names the item: taken', async (status) => {
    const id = randomId()
    expect(await outcomeOf(status, { id, timestamp: 1 }, {}, { id })).toEqual({ kind: 'taken' })
  })

  it.each([200, 201, 202])('%i of a bundler that is configured as giving no receipts: taken', async (status) => {
    expect(await outcomeOf(status, 'OK', {}, { receipts: false })).toEqual({ kind: 'taken' })
  })

  it.each([
    ['the challenge of a firewall', 202, '', { 'x-amzn-waf-action': 'challenge' }, true],
    ['a page to sign in', 200, '<html>Sign in to continue</html>', { 'content-type': 'text/html' }, true],
    ['an error', 200, { error: 'Insufficient balance' }, {}, true],
    ['the receipt of another item', 200, { id: 'another' }, {}, false],
  ])('%s in a 2xx: trouble', async (_, status, body, headers, away) => {
    expect(await outcomeOf(status, body, headers)).toMatchObject({ kind: 'trouble', away })
  })

  it.each([
    [400, 'Data item already received'],
    [422, { error: 'Transaction already exists' }],
    [409, 'Item has already been uploaded'],
    [202, 'Data item already received'],
    [202, 'Data Item Exists'],
    [409, { error: 'duplicate data item' }],
    [400, 'Data item is already in the queue'],
  ])('%i "%s": taken, since it is there', async (status, body) => {
    expect(await outcomeOf(status, body)).toEqual({ kind: 'taken' })
  })

  it.each([
    [400, 'Invalid signature'],
    [422, ''],
    [400, 'the owner has already spent its allowance'],
  ])('%i "%s": refused for good', async (status, body) => {
    expect(await outcomeOf(status, body)).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining(`${status}`),
    })
  })

  it.each([
    [402, 'already received your last coin'],
    [401, ''],
    [403, ''],
    [404, 'Not Found'],
    [409, 'conflict'],
    [413, ''],
    [429, ''],
    [500, ''],
    [503, ''],
    [301, ''],
    [307, ''],
    [204, ''],
  ])('%i "%s": its own trouble', async (status, body) => {
    const headers: Record<string, string> = status === 301 || status === 307 ? { location: '/elsewhere' } : {}
    expect(await outcomeOf(status, body, headers)).toMatchObject({ kind: 'trouble' })
  })

  it.each([401, 429, 500, 503, 301])('%i says nothing about the item', async (status) => {
    expect(await outcomeOf(status)).toMatchObject({ kind: 'trouble', away: true })
  })

  it.each([402, 403, 404, 409, 413, 451])('%i may be about this item alone', async (status) => {
    expect(await outcomeOf(status)).toMatchObject({ kind: 'trouble', away: false })
  })

  it('Retry-After may be seconds, a date, or nonsense; never a day', async () => {
    const date = new Date(Date.now() + 60_000).toUTCString()
    const outcome = await outcomeOf(503, '', { 'retry-after': date })
    expect(outcome).toMatchObject({ kind: 'trouble', retryAfterMs: expect.closeTo(60_000, -4) })
    expect(await outcomeOf(503, '', { 'retry-after': '86400' })).toMatchObject({ retryAfterMs: 3_600_000 })
    expect(await outcomeOf(503, '', { 'retry-after': 'soon' })).not.toHaveProperty('retryAfterMs')
  })

  it('a reason is one short line, whatever came', async () => {
    const outcome = await outcomeOf(400, `no\n\u0000\u001b[31m${'x'.repeat(100_000)}`)
    expect(outcome).toMatchObject({ kind: 'refused' })
    const reason = outcome.kind === 'refused' ? outcome.reason : ''
    expect(reason.length).toBeLessThan(400)
    expect(reason).not.toMatch(/\p{Cc}/u)
  })

  it('hangs, breaks off, or never ends: trouble, in time', async () => {
    const hanging = await started(() => {})
    const endless = await started((_, response) => {
      response.writeHead(503)
      const timer = setInterval(() => response.write(Buffer.alloc(1000, 'x')), 2)
      response.on('close', () => clearInterval(timer))
    })
    const trickling = await started((_, response) => {
      response.writeHead(503)
      const timer = setInterval(() => response.write('x'), 50)
      response.on('close', () => clearInterval(timer))
    })
    for (const url of [hanging.url, endless.url, trickling.url, await deadUrl()]) {
      const outcome = await createBundler({ url, timeoutMs: 500 }).upload(randomId(), randomBytes(64))
      expect(outcome).toMatchObject({ kind: 'trouble', reason: expect.stringMatching(/./) })
    }
  })
})

describe('a cache', () => {
  it('that hangs, refuses or sends elsewhere takes nothing, in time', async () => {
    const hanging = await started(() => {})
    const refusing = await started((_, response) => send(response, 500))
    const redirecting = await started((_, response) => send(response, 302, '', { location: '/ok' }))
    for (const url of [hanging.url, refusing.url, redirecting.url, await deadUrl()]) {
      expect(await createCache({ url, timeoutMs: 300 }).offer(randomId(), randomBytes(64))).toBe(false)
    }
  })
})
