/**
 * A stand-in for the three outside services of a scheduler unit: an Arweave gateway, a bundler and a cache. It keeps
 * what it takes over restarts. For tests over HTTP: `GET /_uploads` lists what came, `POST /_height/N` sets the height,
 * `POST /_faults` (a Fault as JSON) makes trouble, `DELETE /_faults` ends it, `POST /_transactions` adds a base-layer transaction.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { listenLocally } from './free-port.ts'
import { type Chain, openChain } from './gateway/chain.ts'
import { type Fault, openFaults } from './gateway/faults.ts'
import { answerGraphql, tagOf } from './gateway/graphql.ts'
import { parseItem, type Tag } from './gateway/items.ts'
import { type GatewayStore, openGatewayStore, type StoredTransaction, type Upload } from './gateway/store.ts'

export type { Fault } from './gateway/faults.ts'
export type { Tag } from './gateway/items.ts'
export type { Upload } from './gateway/store.ts'

/** A base-layer transaction of a test's. Strings that name keys or ids are base64url. */
export interface BaseLayerTransaction {
  id: string
  tags?: Tag[]
  data?: string | Buffer
  target?: string
  anchor?: string
  owner?: string
  /** How many it has now (they grow with the height); null: it waits for its block. 0 if absent. */
  confirmations?: number | null
}

export interface LocalGateway {
  url: string
  port: number
  height(): number
  setHeight(height: number): void
  addTransaction(transaction: BaseLayerTransaction): void
  /** Everything that was taken, in order, repetitions too; `path` tells the bundler (`/tx/…`) from the cache (`/id`). */
  uploads(): Upload[]
  addFault(fault: Fault): void
  clearFaults(): void
  /** Requests that a fault has met so far. */
  faultsMet(): number
  stop(): Promise<void>
}

export interface GatewayOptions {
  /** Where it keeps its data; none: in memory. */
  dir?: string
  port?: number
  /** Time between blocks, ms; Infinity: the chain stands still. 30 s if absent, as fast as units believe. */
  blockMs?: number
}

/** What a route answers with. */
interface Answer {
  status: number
  /** A value that is no buffer and no string is sent as JSON. */
  body?: unknown
  headers?: Record<string, string>
}

export const startGateway = async ({ dir, port = 0, blockMs = 30_000 }: GatewayOptions = {}): Promise<LocalGateway> => {
  const store = openGatewayStore(dir)
  const chain = openChain(store.genesis, blockMs)
  const faults = openFaults()
  const addTransaction = ({ confirmations = 0, data, ...rest }: BaseLayerTransaction): void => {
    const height = confirmations === null ? undefined : chain.height() - confirmations
    store.addTransaction({ ...rest, height, data: Buffer.from(data ?? '') })
  }

  const control = (request: string, body: Buffer): Answer | undefined => {
    if (request === 'GET /_uploads') return { status: 200, body: store.uploads() }
    if (request === 'POST /_faults') {
      faults.add(JSON.parse(body.toString()))
      return { status: 200, body: {} }
    }
    if (request === 'DELETE /_faults') {
      faults.clear()
      return { status: 200, body: {} }
    }
    if (request === 'POST /_transactions') {
      addTransaction(JSON.parse(body.toString()))
      return { status: 200, body: {} }
    }
    const height = /^POST \/_height\/(\d+)$/.exec(request)?.[1]
    if (height === undefined) return undefined
    chain.setHeight(Number(height))
    return { status: 200, body: { height: chain.height() } }
  }

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', 'http://gateway')
    const named = `${request.method} ${pathname}`
    const body = await bytesOf(request)
    const fault = faults.meet(named)
    if (fault?.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delayMs))
    if (fault?.cut) {
      request.socket.destroy()
      return
    }
    const answer =
      fault?.status === undefined
        ? (control(named, body) ?? (await route(store, chain, request.method ?? 'GET', pathname, body)))
        : { status: fault.status, body: fault.body ?? 'Trouble on purpose', headers: fault.headers ?? {} }
    send(response, answer, request.method === 'HEAD')
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      if (!response.headersSent) send(response, { status: 500, body: String(error) }, false)
      else response.destroy()
    })
  })
  return {
    ...(await listenLocally(server, port)),
    height: chain.height,
    setHeight: chain.setHeight,
    addTransaction,
    uploads: store.uploads,
    addFault: faults.add,
    clearFaults: faults.clear,
    faultsMet: faults.met,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      store.close()
    },
  }
}

const bytesOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const send = (response: ServerResponse, { status, body = '', headers = {} }: Answer, headOnly: boolean): void => {
  const isJson = typeof body !== 'string' && !Buffer.isBuffer(body)
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  response.writeHead(status, {
    'content-type': isJson ? 'application/json' : 'text/plain',
    ...headers,
    'content-length': bytes.length,
  })
  response.end(headOnly ? undefined : bytes)
}

const notFound: Answer = { status: 404, body: 'Not Found' }

const route = async (
  store: GatewayStore,
  chain: Chain,
  method: string,
  path: string,
  body: Buffer,
): Promise<Answer> => {
  if (method === 'POST') {
    if (path === '/graphql') {
      return { status: 200, body: await answerGraphql(store, chain, JSON.parse(body.toString())) }
    }
    if (/^\/tx(\/\w+)?$/.test(path) || path === '/id') return takeUpload(store, chain, path, body)
    return notFound
  }
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, body: 'Method Not Allowed' }
  if (path === '/info') return { status: 200, body: networkInfo(chain) }
  const [, kind = '', id = '', status] = /^\/(raw\/|tx\/)?([\w-]{43})(\/status)?$/.exec(path) ?? []
  const found = id === '' ? undefined : store.get(id)
  if (!found) return notFound
  if (kind === 'tx/') return status === undefined ? { status: 200, body: description(found) } : statusOf(found, chain)
  if (status !== undefined) return notFound
  return { status: 200, body: found.data, headers: headersOf(found) }
}

const networkInfo = (chain: Chain): Record<string, unknown> => {
  const height = chain.height()
  return {
    network: 'arweave.N.1',
    version: 5,
    release: 80,
    height,
    current: chain.block(height).id,
    blocks: height + 1,
    peers: 1,
    queue_length: 0,
    node_state_latency: 0,
  }
}

/** The bundler answers 202 to what it has already; the cache takes anything any time. */
const takeUpload = (store: GatewayStore, chain: Chain, path: string, raw: Buffer): Answer => {
  let id: string
  try {
    id = parseItem(raw).id
  } catch (error) {
    return { status: 400, body: error instanceof Error ? error.message : String(error) }
  }
  store.noteUpload({ path, id, size: raw.length })
  if (path === '/id') return { status: 200, body: { id } }
  const known = store.has(id)
  if (!known) store.addItem(id, raw, chain.height() + 1)
  const receipt = { id, timestamp: Date.now(), version: '0.2.0', winc: '0', deadlineHeight: chain.height() + 200 }
  return known ? { status: 202, body: 'Data item already received' } : { status: 200, body: receipt }
}

const statusOf = ({ height }: StoredTransaction, chain: Chain): Answer => {
  if (height === undefined || height > chain.height()) return { status: 202, body: 'Pending' }
  return {
    status: 200,
    body: {
      block_height: height,
      block_indep_hash: chain.block(height).id,
      number_of_confirmations: chain.height() - height,
    },
  }
}

const base64url = (text: string): string => Buffer.from(text).toString('base64url')

const description = (found: StoredTransaction): Record<string, unknown> => ({
  format: 2,
  id: found.id,
  owner: found.owner,
  target: found.target,
  last_tx: found.anchor,
  quantity: '0',
  reward: '0',
  data_size: String(found.data.length),
  signature: found.signature,
  tags: found.tags.map(({ name, value }) => ({ name: base64url(name), value: base64url(value) })),
})

/** Tags that can be headers are: the messenger unit finds a process's tags there. */
const headersOf = (found: StoredTransaction): Record<string, string> => {
  const headers: Record<string, string> = { 'content-type': 'application/octet-stream' }
  const type = tagOf(found, 'Content-Type')
  if (type !== undefined && isHeaderValue(type)) headers['content-type'] = type
  for (const { name, value } of found.tags) {
    const header = name.toLowerCase()
    if (ownHeaders.has(header) || !/^[\w!#$%&'*+.^`|~-]+$/.test(header) || !isHeaderValue(value)) continue
    headers[header] ??= value
  }
  return headers
}

const isHeaderValue = (value: string): boolean => /^[\x20-\x7e]*$/.test(value)

/** Headers that say how the answer travels: no tag may. */
const ownHeaders = new Set([
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'date',
])
