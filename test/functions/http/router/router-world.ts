/** The router's whole app over fakes, what it asked of the placements' store, and what it logs. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { Hono } from 'hono'
import { onTestFinished } from 'vitest'
import { Placements } from '../../../../core/placement/placements.ts'
import type { UnitSettings } from '../../../../core/placement/units.ts'
import type { Clock } from '../../../../core/ports/clock.ts'
import { Secret } from '../../../../functions/config/secret.ts'
import { createInstanceMeter } from '../../../../functions/http/metrics.ts'
import { createRouterApp } from '../../../../functions/http/router-app.ts'
import type { RouterParts } from '../../../../functions/http/router-parts.ts'
import { createLogger } from '../../../../functions/telemetry/logger.ts'
import { createRouterHealth } from '../../../../functions/wiring/router-health.ts'
import { FakeLists } from '../../../fakes/lists.ts'
import { FakePlacementStore } from '../../../fakes/placement-store.ts'
import { VirtualClock } from '../../../fakes/virtual-clock.ts'
import { type OutsideServer, startOutsideServer } from '../../../network/outside-server.ts'

export const SU1 = 'https://su1.example'
export const SU2 = 'https://su2.example'
export const ROUTER_SECRETS = new Secret(['the secret of the router'])

export const unitAt = (url: string, more: Partial<UnitSettings> = {}): UnitSettings => ({
  url,
  routed: true,
  wallets: new Set(),
  walletsOnly: false,
  ...more,
})

export interface RouterWorld<C extends Clock = VirtualClock> {
  app: Hono
  store: FakePlacementStore
  lists: FakeLists
  clock: C
  /** Every call of the store so far. */
  calls: string[]
  /** What was logged, a line each. */
  lines: Record<string, unknown>[]
  /** Puts a process where it stays. */
  settle(process: string, unit: string): Promise<void>
}

export interface RouterOptions<C extends Clock> {
  units?: readonly UnitSettings[]
  clock?: C
  parts?: Partial<RouterParts>
}

export function createRouterWorld(options?: RouterOptions<VirtualClock>): RouterWorld
export function createRouterWorld<C extends Clock>(options: RouterOptions<C> & { clock: C }): RouterWorld<C>
export function createRouterWorld({
  units = [unitAt(SU1), unitAt(SU2)],
  clock = new VirtualClock(),
  parts,
}: RouterOptions<Clock> = {}): RouterWorld<Clock> {
  const calls: string[] = []
  const store = new FakePlacementStore()
  store.faults = { before: ({ name }) => calls.push(name) }
  const lists = new FakeLists()
  const placements = new Placements({ store, units, clock })
  const lines: Record<string, unknown>[] = []
  const meter = createInstanceMeter()
  const app = createRouterApp({
    placements,
    lists,
    signatureTypes: [1, 3],
    passOn: { everything: false, secrets: ROUTER_SECRETS },
    aoCore: true,
    clock,
    meter,
    logger: createLogger({ level: 'info' }, {}, { write: (line) => lines.push(JSON.parse(line)) }),
    maxBodyBytes: 4_500_000,
    metrics: meter,
    health: createRouterHealth({ placements, clock }),
    afterAnswer: async () => undefined,
    ...parts,
  })
  const settle = async (process: string, unit: string) => {
    await store.place({ process, unit, state: 'settled', refusedBy: [], version: 1, at: clock.now() })
    calls.length = 0
  }
  return { app, store, lists, clock, calls, lines, settle }
}

/** A server that plays a unit, until the test ends. */
export async function unitServer(answer: OutsideServer['answer']): Promise<OutsideServer> {
  const server = await startOutsideServer(answer)
  onTestFinished(() => server.close())
  return server
}

/** An app behind HTTP until the test ends, as a platform has it: callers are known by their address. */
export async function served(app: () => Hono): Promise<string> {
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk)
    const { method = 'GET', url = '/', headers, socket } = incoming
    const request = new Request(`http://localhost${url}`, {
      method,
      headers: Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
      ...(method === 'POST' && { body: Buffer.concat(chunks) }),
    })
    const answer = await app().fetch(request, {
      requestContext: { http: { sourceIp: socket.remoteAddress ?? '' } },
    })
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    if (answer.body)
      Readable.from(answer.body)
        .on('error', () => response.destroy())
        .pipe(response)
    else response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
