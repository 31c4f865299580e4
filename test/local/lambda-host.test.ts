/** The Lambda host: built bundles under AWS's own runtime client behave as on Lambda. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { hostFixture, hostWeb } from './host.ts'

const jsonOf = async (response: Response) => JSON.parse(await response.text())
const post = (url: string, body: Uint8Array<ArrayBuffer>, type = 'application/octet-stream') =>
  fetch(url, { method: 'POST', body, headers: { 'content-type': type } })

describe('one request at a time and instance', () => {
  test('as many at once as there are instances, the others wait; instances are used again', async () => {
    const { url, lambda } = await hostWeb({ instances: 2, warm: 2 })
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => fetch(`${url}/who?ms=100`).then(jsonOf)))
    expect(answers.map(({ running }) => running)).toEqual([1, 1, 1, 1, 1, 1])
    expect(new Set(answers.map(({ pid }) => pid))).toEqual(new Set(lambda.pids()))
    expect(answers.map(({ served }) => served).sort()).toEqual([1, 1, 2, 2, 3, 3])
  })

  test('a request that finds no free instance within the time-out is refused, and the next is served', async () => {
    const { url } = await hostWeb({ instances: 1, warm: 1, timeout: 1 })
    const [hanging, waiting] = await Promise.all([fetch(`${url}/hang`), fetch(`${url}/who`)])
    expect(hanging.status).toBe(502)
    expect([200, 429]).toContain(waiting.status)
    expect((await fetch(`${url}/who`)).status).toBe(200)
  })

  test('instances beyond the warm ones start when they are needed', async () => {
    const { url, lambda } = await hostWeb({ instances: 3, warm: 1 })
    expect(lambda.pids()).toHaveLength(1)
    const answers = await Promise.all([1, 2, 3].map(() => fetch(`${url}/who?ms=1500`).then(jsonOf)))
    expect(new Set(answers.map(({ pid }) => pid)).size).toBe(3)
  })

  test('a frozen instance does nothing between two requests', async () => {
    const { url } = await hostWeb({ instances: 1, warm: 1, freeze: true })
    const awake = await hostWeb({ instances: 1, warm: 1 })
    const ticksOf = async (host: string): Promise<number> => (await jsonOf(await fetch(`${host}/who`))).ticks
    const [before, others] = [await ticksOf(url), await ticksOf(awake.url)]
    await expect.poll(() => ticksOf(awake.url), { timeout: 30_000 }).toBeGreaterThan(others + 50)
    expect((await ticksOf(url)) - before).toBeLessThan(20)
  })
})

describe('requests', () => {
  test('binary bodies go there and back unchanged, with status, headers and cookies', async () => {
    const { url } = await hostWeb({ instances: 1, warm: 1 })
    const body = randomBytes(1_000_000)
    const response = await post(`${url}/echo`, body)
    expect(response.status).toBe(201)
    expect(response.headers.get('x-length')).toBe('1000000')
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true)
  })

  test('path, query, headers and the address of the client arrive as on Lambda', async () => {
    const { url } = await hostWeb({ instances: 1, warm: 1 })
    const headers = { cookie: 'p=1; q=2', 'x-several': 'one' }
    const event = await jsonOf(await fetch(`${url}/event?x=1&x=2&base-layer&__proto__=a%2Fb`, { headers }))
    expect(event).toMatchObject({
      version: '2.0',
      rawPath: '/event',
      rawQueryString: 'x=1&x=2&base-layer&__proto__=a%2Fb',
      cookies: ['p=1', 'q=2'],
      isBase64Encoded: false,
      requestContext: { http: { method: 'GET', sourceIp: '127.0.0.1' } },
    })
    expect(Object.entries(event.queryStringParameters)).toEqual([
      ['x', '1,2'],
      ['base-layer', ''],
      ['__proto__', 'a/b'],
    ])
    expect(event.headers['x-several']).toBe('one')
    expect(event).not.toHaveProperty('body')
  })

  test('bodies of text types come as text, and all others as base64, forms too', async () => {
    const { url } = await hostWeb({ instances: 1, warm: 1 })
    const body = new Uint8Array([0x41, 0xff, 0x42])
    for (const [type, isBase64Encoded] of [
      ['application/x-www-form-urlencoded', true],
      ['application/octet-stream', true],
      ['image/png', true],
      ['text/plain', false],
      ['application/json; charset=utf-8', false],
    ] as const) {
      expect(await jsonOf(await post(`${url}/event`, body, type)), type).toMatchObject({
        isBase64Encoded,
        body: isBase64Encoded ? 'Qf9C' : 'A\ufffdB',
      })
    }
  })

  test('6 MB of event are taken, so 4.5 MB of binary; beyond it is 413, and the connection goes on', async () => {
    const { url } = await hostWeb({ instances: 1, warm: 1 })
    const status = async (bytes: number, type: string) => {
      const response = await post(`${url}/echo`, Buffer.alloc(bytes, 65), type)
      await response.arrayBuffer()
      return response.status
    }
    expect(await status(4_500_000, 'application/octet-stream')).toBe(201)
    expect(await status(4_800_000, 'application/octet-stream')).toBe(413)
    expect(await status(4_800_000, 'application/json')).toBe(201)

    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ask = async (path: string, body?: Buffer) => {
      const sent = request(url + path, { agent, method: body ? 'POST' : 'GET' })
      sent.end(body)
      const [response] = await once(sent, 'response')
      let text = ''
      for await (const chunk of response) text += chunk
      return { status: response.statusCode, text, port: sent.socket?.localPort }
    }
    const refused = await ask('/echo', Buffer.alloc(11 * 1024 * 1024))
    const next = await ask('/who')
    agent.destroy()
    expect(refused.status).toBe(413)
    expect(JSON.parse(refused.text).Message).toContain('6291456 bytes')
    expect(next.status).toBe(200)
    expect(next.port).toBe(refused.port)
  })

  test('what is no HTTP is answered in JSON', async () => {
    const { url } = await hostWeb({ instances: 1, warm: 1 })
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    socket.end('no HTTP at all\r\n\r\n')
    let text = ''
    for await (const chunk of socket) text += chunk
    expect(text).toContain('400 Bad Request')
    expect(text).toContain('{"Message":"Bad Request"}')
  })
})

describe('streamed answers', () => {
  test('chunks arrive as they are written', async () => {
    const { url } = await hostWeb({ instances: 1, warm: 1 })
    const response = await fetch(`${url}/slowly`)
    const times: number[] = []
    for await (const _ of response.body ?? []) times.push(performance.now())
    expect(times.length).toBeGreaterThanOrEqual(4)
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(150)
  })

  test('20 MB', async () => {
    const { url } = await hostWeb({ instances: 1, warm: 1 })
    const response = await fetch(`${url}/big?mb=20`)
    expect((await response.arrayBuffer()).byteLength).toBe(20 * 1024 * 1024)
  })

  test.each(['/cut', '/die'])('a failure after the head cuts the connection: %s', async (path) => {
    const { url } = await hostWeb({ instances: 1, warm: 1 })
    const response = await fetch(url + path)
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow()
    expect((await fetch(`${url}/who`)).status).toBe(200)
  })

  test('with the faults of AWS a failure after the head ends the answer, and codings are unpacked', async () => {
    const { url, log } = await hostWeb({ instances: 1, warm: 1 }, true)
    expect(await (await fetch(`${url}/cut`)).text()).toBe('the beginning')
    expect(log.join('\n')).toContain('The function failed while it answered')
    const packed = await fetch(`${url}/packed`)
    expect([packed.headers.get('content-encoding'), await packed.text()]).toEqual([null, 'a text that was packed'])
    expect((await fetch(`${url}/big?mb=8`)).status).toBe(200)
  })

  test('with the faults of AWS an answer without a byte has its head and does not end', async () => {
    const { url, log } = await hostWeb({ instances: 1, warm: 1 }, true)
    const response = await fetch(`${url}/empty`)
    expect(response.status).toBe(200)
    let ended = false
    const reader = response.body?.getReader()
    void reader?.read().then(
      () => {
        ended = true
      },
      () => undefined,
    )
    // The function has long ended when the next request is served by the same instance.
    expect((await fetch(`${url}/who`)).status).toBe(200)
    expect(log.join('\n')).toContain('has no byte')
    expect(ended).toBe(false)
    await reader?.cancel()
  })

  test('with the faults of AWS a GET with a body is refused before it comes to the function', async () => {
    const { url } = await hostWeb({ instances: 1, warm: 1 }, true)
    const status = (method: string) =>
      new Promise((resolve, reject) => {
        const sent = request(`${url}/who`, { method, headers: { 'content-length': 3 } }, (response) => {
          response.resume()
          response.on('end', () => resolve(response.statusCode))
        })
        sent.on('error', reject)
        sent.end('abc')
      })
    expect([await status('GET'), await status('POST')]).toEqual([403, 200])
  })

  test('a client that leaves does not disturb the instance', async () => {
    const { url } = await hostWeb({ instances: 1, warm: 1 })
    const first = await jsonOf(await fetch(`${url}/who`))
    const leaving = new AbortController()
    const response = await fetch(`${url}/big?mb=50`, { signal: leaving.signal })
    await response.body?.getReader().read()
    leaving.abort()
    const next = await jsonOf(await fetch(`${url}/who`))
    expect(next.pid).toBe(first.pid)
  })
})

describe('failures', () => {
  test('a handler that throws is a 502, and its instance stays', async () => {
    const { url, log } = await hostWeb({ instances: 1, warm: 1 })
    const before = await jsonOf(await fetch(`${url}/who`))
    const response = await fetch(`${url}/throw`)
    expect(response.status).toBe(502)
    expect(await jsonOf(response)).toEqual({ Message: 'Internal Server Error' })
    expect((await jsonOf(await fetch(`${url}/who`))).pid).toBe(before.pid)
    expect(log.join('\n')).toContain('thrown on purpose')
  })

  test('an instance that takes too long, or dies, or is killed, is replaced', async () => {
    const { url, lambda, log } = await hostWeb({ instances: 1, warm: 1, timeout: 1 })
    const pids = new Set<number>()
    const who = async () => pids.add((await jsonOf(await fetch(`${url}/who`))).pid)
    await who()
    expect((await fetch(`${url}/hang`)).status).toBe(502)
    await who()
    expect((await fetch(`${url}/exit`)).status).toBe(502)
    await who()
    const pending = fetch(`${url}/who?ms=800`)
    await new Promise((resolve) => setTimeout(resolve, 100))
    for (const pid of lambda.pids()) process.kill(pid, 'SIGKILL')
    expect((await pending).status).toBe(502)
    await who()
    expect(pids.size).toBe(4)
    expect(log.join('\n')).toContain('Task timed out after 1.00 seconds')
  })

  test('a function that cannot start says why, and its requests are refused', async () => {
    const { lambda } = await hostFixture('broken', { instances: 1, warm: 1 })
    await expect(lambda.ready()).rejects.toThrow('cannot start on purpose')
    expect(await lambda.invoke('{}')).toMatchObject({ kind: 'failed', message: 'cannot start on purpose' })
  })
})

describe('several requests an instance, as on Managed Instances', () => {
  test('they run at once in one instance, up to its limit', async () => {
    const { url } = await hostWeb({ instances: 1, warm: 1, concurrency: 4 })
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => fetch(`${url}/who?ms=300`).then(jsonOf)))
    expect(new Set(answers.map(({ pid }) => pid)).size).toBe(1)
    expect(Math.max(...answers.map(({ running }) => running))).toBe(4)
  })

  test('bodies do not mix', async () => {
    const { url } = await hostWeb({ instances: 1, warm: 1, concurrency: 8 })
    const bodies = Array.from({ length: 16 }, () => randomBytes(200_000))
    const echoes = await Promise.all(
      bodies.map(async (body) => Buffer.from(await (await post(`${url}/echo`, body)).arrayBuffer())),
    )
    expect(echoes.every((echo, index) => bodies[index]?.equals(echo))).toBe(true)
  })

  test('one that takes too long is refused, and the instance replaced', async () => {
    const { url } = await hostWeb({ instances: 1, warm: 1, concurrency: 4, timeout: 1 })
    const before = await jsonOf(await fetch(`${url}/who`))
    expect((await fetch(`${url}/hang`)).status).toBe(502)
    const after = await jsonOf(await fetch(`${url}/who`))
    expect(after.pid).not.toBe(before.pid)
  })

  test('a crash refuses all that run in it', async () => {
    const { url } = await hostWeb({ instances: 1, warm: 1, concurrency: 4 })
    const slow = fetch(`${url}/who?ms=2000`)
    await new Promise((resolve) => setTimeout(resolve, 100))
    const crashed = await fetch(`${url}/exit`)
    expect([crashed.status, (await slow).status]).toEqual([502, 502])
    expect((await fetch(`${url}/who`)).status).toBe(200)
  })
})
