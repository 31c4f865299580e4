/** The stand-in for Arweave gateway, bundler and cache. */
import { createHash, randomBytes } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { type GatewayOptions, type LocalGateway, startGateway } from '../../local/gateway.ts'
import { temporaryDir } from './host.ts'

const start = async (options: GatewayOptions = {}): Promise<LocalGateway> => {
  const gateway = await startGateway(options)
  onTestFinished(() => gateway.stop())
  return gateway
}

const zigzag = (value: number): Buffer => {
  const bytes: number[] = []
  for (let left = value * 2; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left])
    bytes.push((left % 128) + 128)
  }
}
const avro = (text: string): Buffer => Buffer.concat([zigzag(Buffer.byteLength(text)), Buffer.from(text)])
const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}

/** A data item of the right shape; nobody here asks after its signature. */
const makeItem = (tags: [string, string][], data: string) => {
  const signature = randomBytes(512)
  const list = tags.flatMap(([name, value]) => [avro(name), avro(value)])
  const encoded = tags.length === 0 ? Buffer.alloc(0) : Buffer.concat([zigzag(tags.length), ...list, zigzag(0)])
  const target = randomBytes(32)
  const raw = Buffer.concat([
    Buffer.from([1, 0]),
    signature,
    randomBytes(512),
    Buffer.from([1]),
    target,
    Buffer.from([0]),
    word(tags.length),
    word(encoded.length),
    encoded,
    Buffer.from(data),
  ])
  return { id: createHash('sha256').update(signature).digest('base64url'), raw, target: target.toString('base64url') }
}

const upload = (gateway: LocalGateway, raw: Uint8Array<ArrayBuffer>, path = '/tx/arweave') =>
  fetch(gateway.url + path, { method: 'POST', body: raw })

const ask = async (gateway: LocalGateway, query: string, variables: object) => {
  const response = await fetch(`${gateway.url}/graphql`, { method: 'POST', body: JSON.stringify({ query, variables }) })
  return JSON.parse(await response.text())
}

const heightOf = async (gateway: LocalGateway): Promise<number> =>
  JSON.parse(await (await fetch(`${gateway.url}/info`)).text()).height

test('an upload is there at once: raw, by GraphQL, with its tags as headers, and confirmed block by block', async () => {
  const gateway = await start({ blockMs: Number.POSITIVE_INFINITY })
  const tags: [string, string][] = [
    ['Type', 'Process'],
    ['Module', 'm'],
    ['Content-Type', 'text/html'],
    ['Bad name', 'x'],
    ['Odd', 'ö'],
  ]
  const item = makeItem(tags, 'the data')
  const taken = await upload(gateway, item.raw)
  expect(taken.status).toBe(200)
  expect(JSON.parse(await taken.text()).id).toBe(item.id)

  const raw = await fetch(`${gateway.url}/raw/${item.id}`)
  expect(await raw.text()).toBe('the data')
  const head = await fetch(`${gateway.url}/${item.id}`, { method: 'HEAD' })
  expect(Object.fromEntries(head.headers)).toMatchObject({ type: 'Process', module: 'm', 'content-type': 'text/html' })
  expect(head.headers.has('odd')).toBe(false)

  const query = `query($ids: [ID!]!) { transactions(ids: $ids) { edges { node { id recipient anchor tags { name value } } } } }`
  const found = await ask(gateway, query, { ids: [item.id, 'unknown'] })
  expect(found.data.transactions.edges).toEqual([
    {
      node: { id: item.id, recipient: item.target, anchor: '', tags: tags.map(([name, value]) => ({ name, value })) },
    },
  ])

  const status = () => fetch(`${gateway.url}/tx/${item.id}/status`)
  expect((await status()).status).toBe(202)
  gateway.setHeight(gateway.height() + 4)
  expect(JSON.parse(await (await status()).text())).toMatchObject({ number_of_confirmations: 3 })
})

test('GraphQL finds by owner and tags, what waits for its block first, then the highest', async () => {
  const gateway = await start({ blockMs: Number.POSITIVE_INFINITY })
  const tags = [{ name: 'Type', value: 'T' }]
  const [low, high, waiting, other] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(43))
  const owner = Buffer.from('the owner').toString('base64url')
  const address = createHash('sha256').update('the owner').digest('base64url')
  gateway.addTransaction({ id: high ?? '', owner, tags, confirmations: 1 })
  gateway.addTransaction({ id: waiting ?? '', owner, tags, confirmations: null })
  gateway.addTransaction({ id: low ?? '', owner, tags, confirmations: 9 })
  gateway.addTransaction({ id: other ?? '', tags, confirmations: 0 })
  gateway.addTransaction({ id: 'e'.repeat(43), owner, confirmations: 0 })
  const query = `query($sort: SortOrder, $first: Int) {
    transactions(owners: ["${address}"] tags: [{ name: "Type", values: ["T"] }] sort: $sort first: $first) {
      pageInfo { hasNextPage } edges { node { id block { height } } }
    }
  }`
  const found = async (variables: object) => (await ask(gateway, query, variables)).data.transactions
  const { edges } = await found({})
  const height = gateway.height()
  expect(edges.map(({ node }: { node: object }) => node)).toEqual([
    { id: waiting, block: null },
    { id: high, block: { height: height - 1 } },
    { id: low, block: { height: height - 9 } },
  ])
  expect((await found({ sort: 'HEIGHT_DESC' })).edges).toEqual(edges)
  expect((await found({ sort: 'HEIGHT_ASC' })).edges).toEqual(edges.toReversed())
  expect(await found({ first: 1 })).toMatchObject({ pageInfo: { hasNextPage: true }, edges: edges.slice(0, 1) })
})

test('what is no data item is refused, what is there already is answered 202, the cache takes anything', async () => {
  const gateway = await start()
  const { raw, id } = makeItem([['a', 'b']], 'x')
  const noted = (path: string) => ({ path, id, size: raw.length })
  expect((await upload(gateway, raw.subarray(0, 1_070))).status).toBe(400)
  expect((await upload(gateway, Buffer.from('nonsense'))).status).toBe(400)
  const miscounted = Buffer.from(raw)
  miscounted.writeUInt8(2, 2 + 512 + 512 + 33 + 1)
  expect((await upload(gateway, miscounted)).status).toBe(400)
  expect((await upload(gateway, raw)).status).toBe(200)
  expect((await upload(gateway, raw)).status).toBe(202)
  expect((await upload(gateway, raw, '/id?codec-device=ans104@1.0')).status).toBe(200)
  expect(gateway.uploads()).toEqual([noted('/tx/arweave'), noted('/tx/arweave'), noted('/id')])
  expect(JSON.parse(await (await fetch(`${gateway.url}/_uploads`)).text())).toEqual(gateway.uploads())
})

test('base-layer transactions of a test have the confirmations that it wants', async () => {
  const gateway = await start({ blockMs: Number.POSITIVE_INFINITY })
  const id = 'a'.repeat(43)
  const waiting = 'b'.repeat(43)
  gateway.addTransaction({ id, data: 'content', tags: [{ name: 'n', value: 'v' }], confirmations: 20 })
  gateway.addTransaction({ id: waiting, confirmations: null })
  const status = async (of: string) => {
    const response = await fetch(`${gateway.url}/tx/${of}/status`)
    return response.status === 200 ? JSON.parse(await response.text()).number_of_confirmations : response.status
  }
  expect([await status(id), await status(waiting), await status('c'.repeat(43))]).toEqual([20, 202, 404])
  expect(await (await fetch(`${gateway.url}/raw/${id}`)).text()).toBe('content')
})

test('the height begins at 1,800,000, rises, and does not fall over a restart; uploads stay', async () => {
  const dir = await temporaryDir()
  const first = await startGateway({ dir, blockMs: 20 })
  expect(await heightOf(first)).toBeGreaterThanOrEqual(1_800_000)
  const { raw, id } = makeItem([], 'kept')
  await upload(first, raw)
  await new Promise((resolve) => setTimeout(resolve, 100))
  const before = await heightOf(first)
  expect(before).toBeGreaterThan(1_800_000)
  await first.stop()
  const second = await start({ dir, blockMs: 20 })
  expect(await heightOf(second)).toBeGreaterThanOrEqual(before)
  expect(await (await fetch(`${second.url}/${id}`)).text()).toBe('kept')
  expect(second.uploads().map((one) => one.id)).toEqual([id])
})

test('trouble on purpose: so many answers, cut connections, delays', async () => {
  const gateway = await start()
  const { raw } = makeItem([], 'x')
  gateway.addFault({ match: 'POST /tx', status: 503, times: 2, headers: { 'retry-after': '1' } })
  const statuses = [await upload(gateway, raw), await upload(gateway, raw), await upload(gateway, raw)]
  expect(statuses.map(({ status }) => status)).toEqual([503, 503, 200])
  expect(statuses[0]?.headers.get('retry-after')).toBe('1')
  expect(gateway.uploads()).toHaveLength(1)

  gateway.addFault({ match: 'GET /info', cut: true })
  await expect(fetch(`${gateway.url}/info`)).rejects.toThrow()
  gateway.clearFaults()
  gateway.addFault({ match: 'GET /info', delayMs: 120 })
  const began = performance.now()
  expect((await fetch(`${gateway.url}/info`)).status).toBe(200)
  expect(performance.now() - began).toBeGreaterThan(100)
})
