/** What a gateway tells of a log's uploads: the port's behaviours on the stand-in, and gateways that tell less than that. */
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { encodeBundle } from '../../core/ans104/bundle.ts'
import type { DataItem } from '../../core/ans104/data-item.ts'
import { createSigner } from '../../core/ans104/signer.ts'
import { type LocalGateway, startGateway } from '../../local/gateway.ts'
import { createBundler } from '../../network/bundler.ts'
import { createUploadedLog } from '../../network/uploaded-log.ts'
import wallets from '../data/conformance/wallets.json' with { type: 'json' }
import { assignmentOf, nonces, uploadedLogSuite } from '../suites/uploaded-log.ts'
import { type OutsideRequest, type OutsideServer, send, startOutsideServer } from './outside-server.ts'

const signer = createSigner(wallets.su)
const other = createSigner(wallets.bob)
let gateway: LocalGateway
beforeAll(async () => {
  gateway = await startGateway({ blockMs: Number.POSITIVE_INFINITY })
})
afterAll(() => gateway.stop())

const logOf = (url: string, deadlineMs = 5_000) =>
  createUploadedLog({ arweaveUrl: url, graphqlUrl: url, wallet: signer.address, deadlineMs })
const upload = async ({ id, raw }: Pick<DataItem, 'id' | 'raw'>) => {
  expect(await createBundler({ url: gateway.url }).upload(id, raw)).toEqual({ kind: 'taken' })
}

uploadedLogSuite('a gateway', () => ({ log: logOf(gateway.url), signer, upload }))

describe('uploads at a gateway', () => {
  it('are those by the wallet alone, whoever names the process', async () => {
    const process = randomBytes(32).toString('base64url')
    await upload(await assignmentOf(other, process, 1))
    await upload(await assignmentOf(signer, process, 2))
    expect(await nonces(logOf(gateway.url).since(0), process)).toEqual([2])
    expect(await logOf(gateway.url).assignments(process, [1])).toEqual([])
  })

  it('are looked for back to a height, those without a block among them', async () => {
    const process = randomBytes(32).toString('base64url')
    const height = gateway.height()
    for (let nonce = 0; nonce < 310; nonce++) {
      await upload(await assignmentOf(signer, process, nonce))
      if (nonce < 309) gateway.setHeight(gateway.height() + 1)
    }
    const since = async (from: number) => nonces(logOf(gateway.url).since(from), process)
    // Each stands in the block after the height at which it was uploaded.
    for (const from of [0, 100, 309]) {
      const found = await since(height + 1 + from)
      expect(found.slice(-310 + from)).toEqual(Array.from({ length: 310 - from }, (_, n) => from + n))
      expect(found.length).toBeLessThanOrEqual(310 - from + 200)
    }
  })
})

describe('a gateway that tells less', () => {
  let server: OutsideServer | undefined
  afterEach(async () => {
    await server?.close()
    server = undefined
  })

  /** Knows items by their bundle alone, as many gateways do. */
  async function serve(item: DataItem, { ranges = true, bundle = true, wrong = false } = {}): Promise<string> {
    const filler = await Promise.all([1, 2, 3].map((n) => signer.sign({ tags: [], data: randomBytes(1_000 * n) })))
    const raw = encodeBundle([filler[0] ?? item, filler[1] ?? item, ...(wrong ? [] : [item]), filler[2] ?? item])
    const bundleId = randomBytes(32).toString('base64url')
    const node = {
      id: item.id,
      signature: '',
      anchor: '',
      recipient: '',
      owner: { key: '' },
      tags: item.tags,
      data: { size: String(item.data.length) },
      block: { height: 5 },
      bundledIn: bundle ? { id: bundleId } : null,
    }
    const answer = ({ path, headers }: OutsideRequest, response: Parameters<OutsideServer['answer']>[1]) => {
      if (path === '/graphql') {
        const transactions = { pageInfo: { hasNextPage: false }, edges: [{ cursor: 'c', node }] }
        send(response, 200, { data: { transactions } }, { 'content-type': 'application/json' })
        return
      }
      if (path !== `/raw/${bundleId}`) return send(response, 404)
      const [, from = 0, to = 0] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '')?.map(Number) ?? []
      if (ranges) send(response, 206, raw.subarray(from, to + 1))
      else send(response, 200, raw)
    }
    server = await startOutsideServer(answer)
    return server.url
  }

  it.each([true, false])('gives items out of their bundles (ranges: %s)', async (ranges) => {
    const process = randomBytes(32).toString('base64url')
    const assignment = await assignmentOf(signer, process, 3)
    const log = logOf(await serve(assignment, { ranges }))
    expect(await log.assignments(process, [3])).toEqual([{ nonce: 3, raw: assignment.raw }])
    expect(await log.bodies(assignment.id)).toEqual([assignment.raw])
    const sizes = server?.requests.filter(({ path }) => path.startsWith('/raw/')).length
    expect(sizes).toBe(6)
  })

  it.each([{ bundle: false }, { wrong: true }])('says that it has seen what it does not give: %o', async (options) => {
    const process = randomBytes(32).toString('base64url')
    const assignment = await assignmentOf(signer, process, 3)
    const log = logOf(await serve(assignment, options))
    expect(await log.assignments(process, [3])).toEqual([{ nonce: 3 }])
    expect(await log.bodies(assignment.id)).toEqual([])
  })

  it('is unavailable, and never taken for one that has nothing', async () => {
    server = await startOutsideServer((_, response) => send(response, 503))
    const id = randomBytes(32).toString('base64url')
    const log = logOf(server.url, 300)
    const calls = () => [
      log.since(0)[Symbol.asyncIterator]().next(),
      log.assignments(id, [1]),
      log.bodies(id),
      log.uploaded([id]),
    ]
    const outcomes = [...(await Promise.allSettled(calls()))]
    // GraphQL's own way to say so; and a page that ends nowhere.
    server.answer = (_, response) => send(response, 200, { errors: [{ message: 'too much' }], data: null })
    outcomes.push(...(await Promise.allSettled(calls())))
    const endless = { transactions: { pageInfo: { hasNextPage: true }, edges: [] } }
    server.answer = (_, response) => send(response, 200, { data: endless })
    outcomes.push(...(await Promise.allSettled([log.assignments(id, [1])])))
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } })
    }
  })
})
