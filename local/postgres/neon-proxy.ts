/**
 * Neon's two protocols in front of any Postgres, so that Neon's own driver talks to it: SQL over HTTP (`POST /sql`), and
 * Postgres's bytes over WebSocket (`/v1?address=host:port`, as Neon's wsproxy has it, or any other path for the database it was started with).
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import pg from 'pg'
import { WebSocketServer } from 'ws'
import { listenLocally } from '../free-port.ts'

export interface NeonProxy {
  /** What functions get as NEON_PROXY_URL: `{url}/sql` is the driver's `fetchEndpoint`, `{host}/v1?address=…` its `wsProxy`. */
  url: string
  port: number
  stop(): Promise<void>
}

export interface NeonProxyOptions {
  /** The database that is meant where a request names none. */
  databaseUrl: string
  port?: number
}

interface Query {
  query: string
  params?: unknown[]
}

const isolationLevels = ['READ UNCOMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE']

/** Fields of a Postgres error as Neon's answer has them; the driver makes them into properties of its error. */
const errorFields = [
  'severity',
  'code',
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'where',
  'schema',
  'table',
  'column',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
] as const

export const startNeonProxy = async ({ databaseUrl, port = 0 }: NeonProxyOptions): Promise<NeonProxy> => {
  // One pool for each address that is asked for: reads may go to another database.
  const pools = new Map<string, pg.Pool>()
  const poolFor = (connectionString: string): pg.Pool => {
    const known = pools.get(connectionString)
    if (known) return known
    const pool = new pg.Pool({ connectionString, max: 20, idleTimeoutMillis: 30_000, connectionTimeoutMillis: 10_000 })
    // A connection that breaks is replaced; a query on it, or the next one, says what is wrong.
    pool.on('error', () => {})
    pool.on('connect', (client) => client.on('error', () => {}))
    pools.set(connectionString, pool)
    return pool
  }

  const server = createServer((request, response) => {
    void answer(request, response, (named) => poolFor(named ?? databaseUrl))
  })
  const closeSessions = tunnel(server, databaseUrl)
  return {
    ...(await listenLocally(server, port)),
    async stop() {
      closeSessions()
      server.closeAllConnections()
      server.close()
      await Promise.all([...pools.values()].map((pool) => pool.end()))
    },
  }
}

const answer = async (
  request: IncomingMessage,
  response: ServerResponse,
  poolFor: (connectionString: string | undefined) => pg.Pool,
): Promise<void> => {
  const send = (status: number, value: unknown): void => {
    const body = Buffer.from(JSON.stringify(value))
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
  }
  if (request.method !== 'POST' || !request.url?.startsWith('/sql')) {
    send(404, { message: 'Only POST /sql is served here' })
    return
  }
  try {
    const body: Query | { queries: Query[] } = JSON.parse(await textOf(request))
    const named = request.headers['neon-connection-string']
    send(200, await perform(poolFor(typeof named === 'string' ? named : undefined), body, request.headers))
  } catch (error) {
    // The statement is wrong: 400. The database cannot be reached: 500, as at Neon's.
    if (error instanceof pg.DatabaseError) send(400, errorBody(error))
    else send(500, { message: error instanceof Error ? error.message : String(error) })
  }
}

const textOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const perform = async (
  pool: pg.Pool,
  body: Query | { queries: Query[] },
  headers: IncomingHttpHeaders,
): Promise<unknown> => {
  const client = await pool.connect()
  // A connection that broke is not given back to the pool.
  let broken: Error | undefined
  try {
    if (!('queries' in body)) return await run(client, body)
    await run(client, { query: `BEGIN ${transactionMode(headers)}` })
    try {
      const results: unknown[] = []
      for (const query of body.queries) results.push(await run(client, query))
      await run(client, { query: 'COMMIT' })
      return { results }
    } catch (error) {
      await run(client, { query: 'ROLLBACK' })
      throw error
    }
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) broken = error instanceof Error ? error : new Error(String(error))
    throw error
  } finally {
    client.release(broken)
  }
}

const transactionMode = (headers: IncomingHttpHeaders): string => {
  const asked = String(headers['neon-batch-isolation-level'] ?? '')
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toUpperCase()
  return [
    ...isolationLevels.filter((level) => level === asked).map((level) => `ISOLATION LEVEL ${level}`),
    ...(headers['neon-batch-read-only'] === 'true' ? ['READ ONLY'] : []),
    ...(headers['neon-batch-deferrable'] === 'true' ? ['DEFERRABLE'] : []),
  ].join(', ')
}

/** The driver parses values itself: they go to it as Postgres's text. */
const asText = { getTypeParser: () => (value: string) => value }

const run = async (client: pg.PoolClient, { query, params = [] }: Query): Promise<unknown> => {
  const { command, rowCount, rows, fields } = await client.query({
    text: query,
    values: params,
    rowMode: 'array',
    types: asText,
  })
  return { command, rowCount, rows, fields, rowAsArray: true }
}

const errorBody = (error: pg.DatabaseError): Record<string, unknown> => ({
  message: error.message,
  ...Object.fromEntries(errorFields.map((field) => [field, error[field] ?? null])),
})

/** Passes Postgres's bytes on, both ways. Gives what ends all sessions. */
const tunnel = (server: ReturnType<typeof createServer>, databaseUrl: string): (() => void) => {
  const sockets = new WebSocketServer({ server, perMessageDeflate: false })
  sockets.on('connection', (socket, request) => {
    const target = new URL(request.url ?? '/', 'http://proxy').searchParams.get('address') ?? new URL(databaseUrl).host
    const { hostname, port } = new URL(`postgres://${target}`)
    const upstream = connect({ host: hostname, port: port === '' ? 5432 : Number(port), noDelay: true })
    socket.on('message', (data: Buffer) => upstream.write(data))
    upstream.on('data', (data) => socket.send(data))
    upstream.on('close', () => socket.close())
    upstream.on('error', () => socket.close())
    socket.on('close', () => upstream.destroy())
    socket.on('error', () => upstream.destroy())
  })
  return () => {
    for (const socket of sockets.clients) socket.terminate()
  }
}
