import { randomBytes } from 'node:crypto'
import * as v from 'valibot'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createGateway, type GatewayOptions } from '../../network/gateway.ts'
import { FakeGateway, type HeldTransaction } from '../fakes/gateway.ts'
import { aTransaction, gatewayBehaviours, randomId } from '../suites/gateway.ts'
import { deadUrl, type OutsideServer, send, startOutsideServer } from './outside-server.ts'

gatewayBehaviours('the fake', async () => {
  const gateway = new FakeGateway()
  gateway.maxDataBytes = 1000
  return {
    gateway,
    hold: (transaction) => gateway.hold(transaction),
    setHeight(height) {
      gateway.networkHeight = height
    },
    setDown(down) {
      gateway.faults = down
        ? {
            before() {
              throw new Error('down')
            },
          }
        : {}
    },
    close: async () => {},
  }
})

// A base address with a path and a trailing slash, as operators write them.
gatewayBehaviours('the adapter', async () => {
  const held = new Map<string, HeldTransaction>()
  let height = 0
  let down = false
  const server = await startOutsideServer((request, response) => {
    if (down) return send(response, 503, 'no', { 'retry-after': '1' })
    const path = request.path.replace(/^\/some\/path/, '')
    if (path === '/info') return send(response, 200, { network: 'arweave.N.1', height })
    if (path === '/graphql') {
      const { variables } = v.parse(
        v.object({ variables: v.object({ ids: v.array(v.string()) }) }),
        JSON.parse(request.body.toString()),
      )
      const edges = variables.ids.flatMap((id) => {
        const transaction = held.get(id)
        return transaction ? [{ node: nodeOf(transaction) }] : []
      })
      return send(response, 200, { data: { transactions: { edges } } })
    }
    const transaction = held.get(/[\w-]{43}/.exec(path)?.[0] ?? '')
    if (!transaction) return send(response, 404, 'Not Found')
    if (path === `/tx/${transaction.id}/status`) {
      if (transaction.confirmations === undefined) return send(response, 202, 'Pending')
      return send(response, 200, { number_of_confirmations: transaction.confirmations })
    }
    if (path === `/raw/${transaction.id}` || path === `/${transaction.id}`) return send(response, 200, transaction.data)
    return send(response, 400, 'what?')
  })
  return {
    gateway: createGateway(options(`${server.url}/some/path/`)),
    hold: (transaction) => void held.set(transaction.id, transaction),
    setHeight(value) {
      height = value
    },
    setDown(value) {
      down = value
    },
    close: () => server.close(),
  }
})

const nodeOf = ({ id, tags, recipient, anchor }: HeldTransaction) => ({
  id,
  tags,
  recipient: recipient.length === 0 ? null : recipient.toString('base64url'),
  anchor: anchor.toString('base64url'),
})

const options = (url: string, more: Partial<GatewayOptions> = {}): GatewayOptions => ({
  arweaveUrl: url,
  graphqlUrl: url,
  bootUrls: [url],
  maxDataBytes: 1000,
  deadlineMs: 1_000,
  dataDeadlineMs: 700,
  ...more,
})

const started = async (answer: OutsideServer['answer']): Promise<OutsideServer> => {
  const server = await startOutsideServer(answer)
  onTestFinished(() => server.close())
  return server
}

const unavailable = { code: 'unavailable', details: { retryAfter: expect.any(Number) } }

describe('a gateway in trouble', () => {
  it('is asked again when it fails for a moment', async () => {
    let failures = 2
    const server = await started((_, response) => {
      if (failures-- > 0) return send(response, failures ? 502 : 429, 'try again')
      return send(response, 200, { height: 5 })
    })
    expect(await createGateway(options(server.url)).height()).toBe(5)
  })

  it('is asked again when it drops the connection', async () => {
    let drops = 1
    const server = await started((_, response) => {
      if (drops-- > 0) return void response.socket?.destroy()
      return send(response, 200, { height: 5 })
    })
    expect(await createGateway(options(server.url)).height()).toBe(5)
  })

  it('is not asked again when it will not change its mind, or wants to be left alone', async () => {
    const server = await started((_, response) => send(response, 403, 'no'))
    await expect(createGateway(options(server.url)).height()).rejects.toMatchObject(unavailable)
    expect(server.requests).toHaveLength(1)

    server.answer = (_, response) => send(response, 429, 'slow down', { 'retry-after': '17' })
    await expect(createGateway(options(server.url)).height()).rejects.toMatchObject({
      code: 'unavailable',
      details: { retryAfter: 17 },
    })
    expect(server.requests).toHaveLength(2)
  })

  it('cannot hold anybody beyond the deadline', async () => {
    const server = await started((request, response) => {
      // Hangs before the answer, or in the middle of it.
      if (request.path.startsWith('/raw')) response.write('some')
      if (request.path.startsWith('/info')) response.write('{"height":')
    })
    const gateway = createGateway(options(server.url))
    const calls = [
      gateway.height(),
      gateway.confirmations(randomId()),
      gateway.transaction(randomId()),
      gateway.data(randomId(), () => {}),
      gateway.exists(randomId()),
    ]
    for (const result of await Promise.allSettled(calls)) {
      expect(result).toMatchObject({ status: 'rejected', reason: unavailable })
    }
  })

  it.each([
    ['no JSON', 'sunny today'],
    ['another shape', { weight: 5 }],
    ['a height that no block can have', { height: 1e15 }],
    ['a negative height', { height: -1 }],
    ['a fraction', { height: 1.5 }],
    ['an endless answer', `{"height":5,"x":"${'x'.repeat(6_000_000)}"}`],
  ])('does no harm with %s', async (_, body) => {
    const server = await started((_, response) => send(response, 200, body))
    await expect(createGateway(options(server.url)).height()).rejects.toMatchObject(unavailable)
  })

  it.each([
    ['errors', { errors: [{ message: 'timeout' }], data: null }],
    ['no edges', { data: { transactions: {} } }],
    ['a recipient that is none', { recipient: 'AAAA' }],
    ['an anchor that is no base64url', { anchor: 'a b c' }],
    ['a tag without a value', { tags: [{ name: 'a' }] }],
  ])('is not believed: GraphQL with %s', async (_, answer) => {
    const id = randomId()
    const node = { ...nodeOf(aTransaction({ id })), ...answer }
    const body = 'data' in answer ? answer : { data: { transactions: { edges: [{ node }] } } }
    const server = await started((_, response) => send(response, 200, body))
    await expect(createGateway(options(server.url)).transaction(id)).rejects.toMatchObject(unavailable)
  })

  it('is not believed when it answers with another transaction', async () => {
    const edges = [{ node: nodeOf(aTransaction()) }]
    const server = await started((_, response) => send(response, 200, { data: { transactions: { edges } } }))
    expect(await createGateway(options(server.url)).transaction(randomId())).toBeUndefined()
  })

  it('takes null for an empty anchor, and an endpoint that is written out', async () => {
    const transaction = aTransaction()
    const edges = [{ node: { ...nodeOf(transaction), anchor: null } }]
    const server = await started((_, response) => send(response, 200, { data: { transactions: { edges } } }))
    const gateway = createGateway(options(server.url, { graphqlUrl: `${server.url}/graphql` }))
    expect(await gateway.transaction(transaction.id)).toMatchObject({ anchor: Buffer.alloc(0) })
    expect(server.requests.map(({ path }) => path)).toEqual(['/graphql'])
  })
})

describe('answers about an item', () => {
  const tags = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`tag-${n}`, 'x'.repeat(1_000)]))

  it('may have as many headers as an item has tags', async () => {
    const server = await started((_, response) => send(response, 200, 'data', tags))
    const gateway = createGateway(options(server.url, { deadlineMs: 60_000, dataDeadlineMs: 60_000 }))
    expect(await gateway.exists(randomId())).toBe(true)
    expect(await gateway.data(randomId(), () => {})).toBe(4)
    server.answer = (_, response) => send(response, 404, '', tags)
    expect(await gateway.exists(randomId())).toBe(false)
  })

  it('may have as much JSON as an item has tags', async () => {
    const transaction = aTransaction({ tags: [{ name: 'Control', value: '\u0001'.repeat(1_500_000) }] })
    const edges = [{ node: nodeOf(transaction) }]
    const server = await started((_, response) => send(response, 200, { data: { transactions: { edges } } }))
    const gateway = createGateway(options(server.url, { deadlineMs: 60_000 }))
    expect((await gateway.transaction(transaction.id))?.tags).toEqual(transaction.tags)
  })

  it('that are larger than any item makes them are final', async () => {
    const server = await started((_, response) => {
      response.writeHead(200)
      const chunk = Buffer.alloc(1_000_000, ' ')
      const write = () => {
        while (response.write(chunk));
        response.once('drain', write)
      }
      write()
    })
    const gateway = createGateway(options(server.url, { deadlineMs: 60_000 }))
    await expect(gateway.transaction(randomId())).rejects.toMatchObject({ code: 'unreadable' })
    expect(server.requests).toHaveLength(1)
  })

  it('that are withheld are final', async () => {
    const server = await started((_, response) => send(response, 451))
    const gateway = createGateway(options(server.url))
    for (const answer of [gateway.data(randomId(), () => {}), gateway.exists(randomId())]) {
      await expect(answer).rejects.toMatchObject({ code: 'unreadable' })
    }
    expect(server.requests).toHaveLength(2)
  })

  it('say that a transaction is there where even its headers are too large', async () => {
    const server = await started((_, response) => {
      response.socket?.write('HTTP/1.1 200 OK\r\n')
      const line = `tag: ${'x'.repeat(1_000_000)}\r\n`
      const write = () => {
        while (response.socket?.writable && response.socket.write(line));
        response.socket?.once('drain', write)
      }
      write()
    })
    const gateway = createGateway(options(server.url, { deadlineMs: 120_000 }))
    expect(await gateway.exists(randomId())).toBe(true)
  }, 120_000)

  it('are an outage where the question is about no item', async () => {
    const server = await started((_, response) => send(response, 200, { height: 5 }, tags))
    await expect(createGateway(options(server.url)).height()).rejects.toMatchObject(unavailable)
    expect(server.requests).toHaveLength(1)
  })
})

describe('raw data', () => {
  it('that breaks off is no data, and is never hashed twice', async () => {
    const server = await started((_, response) => {
      response.writeHead(200, { 'content-length': '500' })
      response.write(Buffer.alloc(300))
      setTimeout(() => response.destroy(), 50)
    })
    let sunk = 0
    const reading = createGateway(options(server.url)).data(randomId(), (chunk) => {
      sunk += chunk.length
    })
    await expect(reading).rejects.toMatchObject(unavailable)
    expect(sunk).toBe(300)
    expect(server.requests).toHaveLength(1)
  })

  it('is read again when it fails before the first byte', async () => {
    let failures = 1
    const server = await started((_, response) => send(response, failures-- > 0 ? 500 : 200, 'data'))
    const chunks: Uint8Array[] = []
    expect(await createGateway(options(server.url)).data(randomId(), (chunk) => chunks.push(chunk))).toBe(4)
    expect(Buffer.concat(chunks).toString()).toBe('data')
  })

  it('without an end is given up at the limit', async () => {
    const server = await started((_, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write(randomBytes(400)), 5)
      response.on('close', () => clearInterval(timer))
    })
    let sunk = 0
    const reading = createGateway(options(server.url)).data(randomId(), (chunk) => {
      sunk += chunk.length
    })
    await expect(reading).rejects.toMatchObject({ code: 'message-too-large' })
    expect(sunk).toBeLessThanOrEqual(1000)
    expect(server.requests).toHaveLength(1)
  })
})

describe('On-Boot', () => {
  const here =
    (id: string): OutsideServer['answer'] =>
    (request, response) =>
      send(response, request.method === 'HEAD' && request.path === `/${id}` ? 200 : 404)

  it('asks in order, and the first that has it ends it', async () => {
    const id = randomId()
    const [first, second, third] = [await started(here('')), await started(here(id)), await started(here(id))]
    const bootUrls = [first.url, second.url, third.url]
    expect(await createGateway(options(first.url, { bootUrls })).exists(id)).toBe(true)
    expect([first, second, third].map(({ requests }) => requests.length)).toEqual([1, 1, 0])
  })

  it('follows redirects', async () => {
    const id = randomId()
    const target = await started(here(id))
    const server = await started((_, response) => send(response, 302, '', { location: `${target.url}/${id}` }))
    expect(await createGateway(options(server.url)).exists(id)).toBe(true)
    target.answer = here('')
    expect(await createGateway(options(server.url)).exists(id)).toBe(false)
  })

  it('does without a gateway that is down where another one has it', async () => {
    const id = randomId()
    const hanging = await started(() => {})
    const server = await started(here(id))
    for (const broken of [await deadUrl(), hanging.url]) {
      expect(await createGateway(options(server.url, { bootUrls: [broken, server.url] })).exists(id)).toBe(true)
    }
  })

  it('does not say "nowhere" when one could not be asked', async () => {
    const server = await started(here(''))
    const dead = await deadUrl()
    for (const bootUrls of [
      [dead, server.url],
      [server.url, dead],
    ]) {
      await expect(createGateway(options(server.url, { bootUrls })).exists(randomId())).rejects.toMatchObject(
        unavailable,
      )
    }
  })
})
