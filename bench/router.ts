/**
 * The router beside a bare Hono handler that answers a constant 307: called directly in this process, where the difference is all
 * the router's own, and as Lambda functions behind their URLs, where a client would see it.
 */
import { randomBytes } from 'node:crypto'
import type { Hono } from 'hono'
import pMap from 'p-map'
import type { Placement } from '../core/ports/placement-store.ts'
import { parseRouterConfig } from '../functions/config/functions.ts'
import { createRouterApp } from '../functions/http/router-app.ts'
import { createLogger } from '../functions/telemetry/logger.ts'
import { openPlacements } from '../functions/wiring/placements.ts'
import { createRouterParts } from '../functions/wiring/router.ts'
import { routerTables } from '../infra/tables.ts'
import { localCredentials, localRegion, startDynamoDb } from '../local/dynamodb.ts'
import { startLatencyProxy } from '../local/latency-proxy.ts'
import { openKeeper } from '../local/processes/keeper.ts'
import { createBareApp } from './bare.ts'
import { host } from './hosted.ts'
import { makeProcess, makeWallet } from './items.ts'
import { type Answer, type Request as Asked, Client, measure, ofClients } from './load.ts'
import { heading, line } from './report.ts'

export interface RouterBench {
  /** How many requests, of so many as a whole run makes. */
  some(count: number): number
  /** What each call of DynamoDB takes longer, ms. */
  latency: number
  /** Of the hosted functions. */
  instances: number
}

const UNITS = ['https://su-1.example', 'https://su-2.example', 'https://su-3.example']
/** Answers that the router owes. */
const REDIRECT = 307

type Send = (request: Asked) => Promise<Answer>

interface Side {
  clients: number
  /** The bare handler, and the router. */
  bare: Send
  router: Send
  /** Requests of the warm-up, and of the measurements that ask no store: a call takes microseconds, a request a millisecond. */
  warmUp: number
  many: number
}

export async function measureRouter({ some, latency, instances }: RouterBench): Promise<void> {
  const keeper = await openKeeper()
  const dynamodb = await startDynamoDb({ tables: routerTables, keeper })
  const proxy = latency > 0 ? await startLatencyProxy(dynamodb.url, latency) : undefined
  const environment = {
    ...dynamodb.variables,
    PLACEMENTS_ENDPOINT: proxy?.url ?? dynamodb.url,
    SCHEDULER_LIST: JSON.stringify(UNITS.map((url) => ({ url }))),
    LOG_LEVEL: 'warn',
    AWS_REGION: localRegion,
    AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
  }
  try {
    // Metrics of an instance go out when its invocation ends, which a direct call has not.
    const { placements, app } = openRouter({ ...environment, ENABLE_METRICS: 'false' })
    const place = settle(dynamodb.url, placements)
    heading('Redirects, called directly in this process')
    await compare(
      { clients: 32, bare: directly(createBareApp()), router: directly(app), warmUp: 5_000, many: 40_000 },
      some,
      place,
    )

    heading(`Redirects of built Lambda functions, ${instances} instances each`)
    const bare = await host('bench/bare-function.ts', environment, { keeper, instances })
    const router = await host('functions/router.ts', environment, { keeper, instances })
    const [toBare, toRouter] = [new Client(bare.url), new Client(router.url)]
    const sides = { bare: (one: Asked) => toBare.send(one), router: (one: Asked) => toRouter.send(one) }
    await compare({ clients: 8, ...sides, warmUp: 1_000, many: 4_000 }, some, place)
    toBare.close()
    toRouter.close()
    await Promise.all([bare.stop(), router.stop()])
  } finally {
    await proxy?.stop()
    await dynamodb.stop()
    await keeper.close()
  }
}

function openRouter(environment: Record<string, string>) {
  const config = parseRouterConfig(environment)
  const logger = createLogger(config.logging, { service: 'bench' })
  return { placements: config.placements, app: createRouterApp(createRouterParts(config, logger)) }
}

/** Makes processes that have been placed and taken long ago; without the latency, which is not for this. */
function settle(endpoint: string, placements: Parameters<typeof openPlacements>[0]) {
  const store = openPlacements({ ...placements, endpoint })
  return (count: number): Promise<string[]> =>
    pMap(
      Array.from({ length: count }, () => randomBytes(32).toString('base64url')),
      async (process, index) => {
        const unit = UNITS[index % UNITS.length] ?? ''
        const placed: Placement = { process, unit, state: 'settled', refusedBy: [], version: 1, at: Date.now() }
        await store.place(placed)
        return process
      },
      { concurrency: 16 },
    )
}

/** As Lambda calls it, but for the event. */
const directly =
  (app: Hono): Send =>
  async ({ method = 'GET', path, body }) => {
    const request = new Request(`https://localhost${path}`, {
      method,
      headers: ofClients,
      ...(body && { body: new Uint8Array(body) }),
    })
    const response = await app.fetch(request, { requestContext: { http: { sourceIp: '127.0.0.1' } } })
    return { status: response.status, body: Buffer.from(await response.arrayBuffer()) }
  }

async function compare(
  side: Side,
  some: RouterBench['some'],
  place: (count: number) => Promise<string[]>,
): Promise<void> {
  const { clients, bare, router, warmUp, many } = side
  const wallet = makeWallet()
  const spawns = async (count: number): Promise<Asked[]> =>
    (await Promise.all(Array.from({ length: count }, () => makeProcess(wallet)))).map(({ raw }) => ({
      method: 'POST',
      path: '/',
      body: raw,
    }))
  const pages = (processes: readonly string[]): Asked[] =>
    processes.map((process) => ({ path: `/${process}?process-id=${process}&limit=1000` }))
  const again = (requests: readonly Asked[], count: number): Asked[] =>
    Array.from({ length: count }, (_, i) => requests[i % requests.length] ?? { path: '/' })

  // Few enough that every instance has been asked for each when the clock runs.
  const known = pages(await place(50))
  for (const send of [bare, router]) await measure(again(known, warmUp), clients, send, REDIRECT)
  await measure(await spawns(some(100)), clients, router, REDIRECT)

  const constant = await measure(again(known, some(many)), clients, bare, REDIRECT)
  const base = { bare: constant.perSecond }
  line(`bare Hono, ${clients} clients`, constant, {})
  line('processes asked before', await measure(again(known, some(many)), clients, router, REDIRECT), base)
  const fresh = pages(await place(some(3_000)))
  line('each process for the first time', await measure(fresh, clients, router, REDIRECT), base)
  line('spawns placed', await measure(await spawns(some(500)), clients, router, REDIRECT), base)
  line('one client: bare Hono', await measure(again(known, some(many / 4)), 1, bare, REDIRECT), {})
  line('one client: asked before', await measure(again(known, some(many / 4)), 1, router, REDIRECT), {})
  line('one client: for the first time', await measure(pages(await place(some(500))), 1, router, REDIRECT), {})
}
