/** The app behind a function URL: events in, streamed answers out, with a stand-in for what AWS's runtime client provides. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { streamed } from '../../../functions/http/lambda.ts'
import { recordedItem } from '../../core/schedule/items.ts'
import { createUnitApp } from './app/unit-app.ts'

interface Head {
  statusCode: number
  headers: Record<string, string>
  cookies: string[]
}

/** As AWS's: the head goes out with the first write, not with `end`. */
class ResponseStream extends Writable {
  head?: Head
  sentHead?: Head
  readonly chunks: Buffer[] = []
  ended = false

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    if (this.head) this.sentHead ??= this.head
    if (chunk.length > 0) this.chunks.push(chunk)
    done()
  }

  override _final(done: () => void): void {
    this.ended = true
    done()
  }
}

type Handler = (event: unknown, stream: Writable, context: object) => Promise<void>

beforeAll(() => {
  Object.assign(globalThis, {
    awslambda: {
      streamifyResponse: (handler: Handler) => handler,
      HttpResponseStream: {
        from: (stream: ResponseStream, head: Head) => Object.assign(stream, { head }),
      },
    },
  })
})

afterAll(() => {
  Reflect.deleteProperty(globalThis, 'awslambda')
})

interface EventParts {
  method?: string
  rawPath?: string
  rawQueryString?: string
  headers?: Record<string, string | undefined>
  body?: string | undefined
  isBase64Encoded?: boolean
}

const eventOf = ({ method = 'GET', rawPath = '/', rawQueryString = '', headers = {}, ...body }: EventParts) => ({
  version: '2.0',
  rawPath,
  rawQueryString,
  headers: { host: 'abc.lambda-url.eu-west-1.on.aws', ...headers },
  requestContext: {
    domainName: 'abc.lambda-url.eu-west-1.on.aws',
    http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '203.0.113.9', userAgent: 'x' },
  },
  isBase64Encoded: false,
  ...body,
})

const base64 = (bytes: Buffer) => ({ body: bytes.toString('base64'), isBase64Encoded: true })

const contextOf = () => ({
  awsRequestId: 'r-1',
  callbackWaitsForEmptyEventLoop: true,
  getRemainingTimeInMillis: () => 30_000,
})

async function invoke(app: Hono, event: unknown) {
  const handler = streamed(app, async () => {
    after.push(stream.ended || stream.destroyed)
  }) as Handler
  const after: boolean[] = []
  const stream = new ResponseStream()
  // A stream that is destroyed says so; nobody else listens here.
  stream.on('error', () => undefined)
  const context = contextOf()
  const failure = await handler(event, stream, context).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!failure && !stream.writableFinished) await once(stream, 'finish')
  const body = Buffer.concat(stream.chunks)
  return { stream, head: stream.sentHead, body, text: body.toString(), failure, context, after }
}

/** Says what reached it. */
function echo(): Hono {
  const app = new Hono()
  app.all('*', async (c) => {
    const { url, method, headers } = c.req.raw
    const body = Buffer.from(await c.req.raw.arrayBuffer()).toString('base64')
    return c.json({ url, method, headers: Object.fromEntries(headers), body })
  })
  return app
}

const heard = async (parts: EventParts) => {
  const { head, text, failure } = await invoke(echo(), eventOf(parts))
  expect(failure).toBeUndefined()
  expect(head?.statusCode).toBe(200)
  return JSON.parse(text)
}

describe('an event', () => {
  it('is a request with its method, path, query, headers and body', async () => {
    const body = randomBytes(5000)
    const asked = await heard({
      method: 'POST',
      rawPath: '/a/b',
      rawQueryString: 'process-id=x&base-layer&exclude=a%2Cb&x=1&x=2',
      headers: { 'content-type': 'application/octet-stream', 'x-y': 'z', 'x-none': undefined },
      ...base64(body),
    })
    expect(asked).toMatchObject({ method: 'POST', headers: { 'x-y': 'z', 'content-type': 'application/octet-stream' } })
    expect(new URL(asked.url).pathname).toBe('/a/b')
    expect(new URL(asked.url).search).toBe('?process-id=x&base-layer&exclude=a%2Cb&x=1&x=2')
    expect(asked.headers).not.toHaveProperty('x-none')
    expect(Buffer.from(asked.body, 'base64').equals(body)).toBe(true)
  })

  it('may have its body as text, or none', async () => {
    expect(Buffer.from((await heard({ method: 'POST', body: 'żółć' })).body, 'base64').toString()).toBe('żółć')
    expect((await heard({ method: 'POST' })).body).toBe('')
    expect((await heard({ method: 'POST', ...base64(Buffer.alloc(0)) })).body).toBe('')
  })

  it('with a body where a request has none is served without it', async () => {
    for (const method of ['GET', 'HEAD']) {
      const { head, failure } = await invoke(echo(), eventOf({ method, body: 'a body' }))
      expect([failure, head?.statusCode]).toEqual([undefined, 200])
    }
    expect((await heard({ method: 'DELETE', body: 'a body' })).body).not.toBe('')
  })

  it.each([
    ['/', '/'],
    ['//evil.example/x', '//evil.example/x'],
    ['/%E0%A4%A', '/%E0%A4%A'],
    ['/%00', '/%00'],
    ['/a b', '/a%20b'],
    ['/a?b#c', '/a%3Fb%23c'],
    ['/ż', '/%C5%BC'],
    ['', '/'],
    ['no-slash', '/no-slash'],
    [`/${'x'.repeat(10_000)}`, `/${'x'.repeat(10_000)}`],
  ])('may have any path: %s', async (rawPath, pathname) => {
    expect(new URL((await heard({ rawPath, rawQueryString: 'q=1' })).url).pathname).toBe(pathname)
  })

  it.each(['', '%', '%E0%A4%A', '&&=&', 'a=#b', '?', 'ż=1', 'a=b c'])(
    'may have any query: %s',
    async (rawQueryString) => {
      const { searchParams } = new URL((await heard({ rawQueryString })).url)
      expect([...searchParams.keys()].length).toBeLessThanOrEqual(2)
    },
  )

  it('keeps its sound headers where others are odd', async () => {
    const { headers } = await heard({
      headers: {
        good: 'yes',
        latin: 'é',
        wide: 'ż',
        'bad name': 'x',
        'bad:name': 'x',
        '': 'x',
        lines: 'a\r\nb: c',
        nul: 'a\0b',
        empty: '',
        host: 'not a host',
        'Content-Length': '5',
      },
    })
    expect(headers).toMatchObject({ good: 'yes', latin: 'é', empty: '' })
    expect(Object.keys(headers)).not.toEqual(expect.arrayContaining(['wide']))
    for (const odd of ['wide', 'bad name', 'bad:name', '', 'lines', 'nul'])
      expect(Object.keys(headers)).not.toContain(odd)
  })

  it('that is no request, or of a method that fetch does not allow, is answered all the same', async () => {
    for (const event of [{}, { rawPath: '/' }, eventOf({ method: 'TRACE' }), eventOf({ method: 'not a method' })]) {
      const { head, text, failure, after } = await invoke(echo(), event)
      expect(failure).toBeUndefined()
      expect(head).toMatchObject({ statusCode: 400, headers: { 'access-control-allow-origin': '*' } })
      expect(JSON.parse(text)).toMatchObject({ error: expect.any(String), code: 'invalid-request' })
      expect(after).toHaveLength(1)
    }
  })

  it('brings the platform’s word along, and waits for no sockets', async () => {
    const app = new Hono()
    app.get('/', (c) => c.json(c.env))
    const { text, context } = await invoke(app, eventOf({}))
    expect(JSON.parse(text)).toMatchObject({
      requestContext: { http: { sourceIp: '203.0.113.9' } },
      context: { awsRequestId: 'r-1' },
    })
    expect(context.callbackWaitsForEmptyEventLoop).toBe(false)
  })
})

describe('an answer', () => {
  const appWith = (answer: () => Response) => {
    const app = new Hono()
    app.all('/', answer)
    return app
  }

  it('goes out with its status, headers and bytes', async () => {
    const bytes = randomBytes(100_000)
    const app = appWith(() => new Response(bytes, { status: 201, headers: { 'x-a': 'b', 'retry-after': '5' } }))
    const { head, body, stream, after } = await invoke(app, eventOf({}))
    expect(head).toMatchObject({ statusCode: 201, headers: { 'x-a': 'b', 'retry-after': '5' }, cookies: [] })
    expect(body.equals(bytes)).toBe(true)
    expect(stream.ended).toBe(true)
    expect(after).toEqual([true])
  })

  it.each([
    ['without a body', () => new Response(null, { status: 204 })],
    ['with an empty body', () => new Response('')],
    ['with an empty stream', () => new Response(new ReadableStream({ start: (controller) => controller.close() }))],
    ['that is a redirect', () => new Response(null, { status: 307, headers: { location: '/x' } })],
    ['that the client has', () => new Response(null, { status: 304 })],
  ])('%s has its head and a byte', async (_, answer) => {
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      const { head, text, stream } = await invoke(appWith(answer), eventOf({ method }))
      // A 204 may have no byte.
      expect(head?.statusCode).toBe(answer().status === 204 ? 200 : answer().status)
      expect(text).toBe('\n')
      expect(stream.ended).toBe(true)
    }
  })

  it('is sent piece by piece, as it comes', async () => {
    const seen: number[] = []
    const stream = new ResponseStream()
    const app = appWith(
      () =>
        new Response(
          new ReadableStream({
            async pull(controller) {
              seen.push(stream.chunks.length)
              if (seen.length > 4) return controller.close()
              controller.enqueue(new Uint8Array(10))
              await new Promise((resolve) => setTimeout(resolve, 10))
            },
          }),
        ),
    )
    await (streamed(app, async () => undefined) as Handler)(eventOf({}), stream, contextOf())
    expect(stream.chunks).toHaveLength(4)
    // The first pieces are gone before the last are made.
    expect(seen.at(-1)).toBeGreaterThanOrEqual(2)
  })

  it('that fails midway is not ended: the failure is for the runtime to make known', async () => {
    const body = async function* () {
      yield new TextEncoder().encode('{"edges":[')
      throw new Error('the blob is gone')
    }
    const app = appWith(() => new Response(ReadableStream.from(body()) as ReadableStream))
    const { head, stream, text, failure, after } = await invoke(app, eventOf({}))
    expect(head?.statusCode).toBe(200)
    expect(text).toBe('{"edges":[')
    expect(failure).toMatchObject({ message: 'the blob is gone' })
    expect(stream.ended).toBe(false)
    // The runtime client would end the whole instance then; `test/local/streamed-app.test.ts` shows that it does not.
    expect(stream.destroyed).toBe(false)
    expect(after).toHaveLength(1)
  })

  it('is made no faster than it can be sent', async () => {
    let made = 0
    const stream = new ResponseStream({ highWaterMark: 1000 })
    const pending: (() => void)[] = []
    stream._write = (_chunk, _encoding, done) => void pending.push(done)
    const body = new ReadableStream(
      {
        async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve, 1))
          if (made === 20) return controller.close()
          made++
          controller.enqueue(new Uint8Array(1000))
        },
      },
      { highWaterMark: 0 },
    )
    const app = appWith(() => new Response(body))
    const sent = (streamed(app, async () => undefined) as Handler)(eventOf({}), stream, contextOf())
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(made).toBeLessThan(5)
    const sending = setInterval(() => pending.shift()?.(), 1)
    await sent
    if (!stream.writableFinished) await once(stream, 'finish')
    clearInterval(sending)
    expect(made).toBe(20)
  })

  it('to nobody ends what makes it', async () => {
    let given = false
    const body = new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        controller.enqueue(new Uint8Array(1000))
      },
      cancel: () => {
        given = true
      },
    })
    const stream = new ResponseStream()
    stream.on('error', () => undefined)
    setTimeout(() => stream.destroy(new Error('the client left')), 20)
    const handler = streamed(
      appWith(() => new Response(body)),
      async () => undefined,
    ) as Handler
    await expect(handler(eventOf({}), stream, contextOf())).rejects.toThrow('the connection was closed')
    expect(given).toBe(true)
  })
})

describe('the scheduler unit', () => {
  it('is served through it', async () => {
    const { app } = createUnitApp()
    const item = recordedItem('procA')
    const headers = { 'content-type': 'application/octet-stream' }
    const posted = await invoke(app, eventOf({ method: 'POST', headers, ...base64(item.raw) }))
    expect(posted.head).toMatchObject({ statusCode: 200, headers: { 'x-request-id': 'r-1' } })
    expect(JSON.parse(posted.text)).toMatchObject({ id: item.id, timestamp: expect.any(Number) })
    const page = await invoke(app, eventOf({ rawPath: `/${item.id}`, rawQueryString: `process-id=${item.id}` }))
    expect(JSON.parse(page.text).edges).toHaveLength(1)
    const preflight = await invoke(app, eventOf({ method: 'OPTIONS', headers: { origin: 'https://example.org' } }))
    expect(preflight.head).toMatchObject({ statusCode: 200, headers: { 'access-control-allow-origin': '*' } })
    const head = await invoke(app, eventOf({ method: 'HEAD', rawPath: `/${item.id}` }))
    expect([head.head?.statusCode, head.text]).toEqual([200, '\n'])
  })

  it('takes an item of any content type that comes as bytes, and says where it came as text', async () => {
    const { app } = createUnitApp()
    const { raw } = recordedItem('procA')
    const post = async (type: string, body: object) => {
      const { head, text } = await invoke(app, eventOf({ method: 'POST', headers: { 'content-type': type }, ...body }))
      return { status: head?.statusCode, ...JSON.parse(text) }
    }
    for (const type of ['text/plain', 'application/json', 'text/plain; charset=utf-8']) {
      expect(await post(type, { body: raw.toString() })).toMatchObject({
        status: 415,
        code: 'unsupported-media-type',
        error: expect.stringContaining('Send application/octet-stream.'),
      })
    }
    for (const text of [raw.toString('base64'), raw.toString('base64url'), JSON.stringify({ data: 'x' }), '[1]\r\n']) {
      const expected = { status: 400, code: 'invalid-item', error: expect.stringContaining('a data item is binary') }
      expect(await post('text/plain', { body: text })).toMatchObject(expected)
      expect(await post('application/octet-stream', base64(Buffer.from(text)))).toMatchObject(expected)
    }
    for (const [type, name] of [
      ['application/x-www-form-urlencoded', 'procA'],
      ['image/png', 'procB'],
      ['', 'msg1'],
    ] as const) {
      expect(await post(type, base64(recordedItem(name).raw))).toMatchObject({ status: 200 })
    }
  })

  it('knows the caller by what the platform says', async () => {
    const { app, unit } = createUnitApp()
    const post = () => invoke(app, eventOf({ method: 'POST', ...base64(recordedItem('procA').raw) }))
    unit.lists.addresses = new Set(['203.0.113.10'])
    expect((await post()).head?.statusCode).toBe(403)
    unit.lists.addresses = new Set(['203.0.113.9'])
    expect((await post()).head?.statusCode).toBe(200)
  })
})
