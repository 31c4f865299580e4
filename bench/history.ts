/**
 * Reading history, side by side in one run with the straightforward way: each record by itself from the log, parsed and rendered.
 * In this process, where the difference is all the unit's own; and of the built function, where a client sees it.
 */
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { createSigner } from '../core/ans104/signer.ts'
import { blockOf, type SegmentReader } from '../core/ports/segment-store.ts'
import type { ReadDeps } from '../core/read/deps.ts'
import { foreseePage } from '../core/read/foresee.ts'
import { createLogMemory } from '../core/read/log-memory.ts'
import { openPage, type Page } from '../core/read/page.ts'
import { createProcessMemory } from '../core/read/process-memory.ts'
import type { PageQuery } from '../core/read/query.ts'
import { openSettledPage } from '../core/read/settled-page.ts'
import { createSegmentBuilder } from '../core/segments/builder.ts'
import type { DynamoDb } from '../db/dynamodb/client.ts'
import { parseSuConfig } from '../functions/config/functions.ts'
import { pageBytesSent } from '../functions/http/page-garbage.ts'
import { createLogger } from '../functions/telemetry/logger.ts'
import { openBucket } from '../functions/wiring/blobs.ts'
import { createSegmentParts, openSegmentStores } from '../functions/wiring/segments.ts'
import { createSuParts } from '../functions/wiring/su.ts'
import { localCredentials, localRegion, startDynamoDb } from '../local/dynamodb.ts'
import { startLatencyProxy } from '../local/latency-proxy.ts'
import { openKeeper } from '../local/processes/keeper.ts'
import { type BareStores, openBareStores } from './history-bare.ts'
import { asClient } from './history-client.ts'
import { type Filled, fillProcess } from './history-filling.ts'
import { makeWallet } from './items.ts'
import { figure, heading } from './report.ts'

export interface HistoryBench {
  /** How many requests, of so many as a whole run makes. */
  some(count: number): number
  /** Messages of the processes that are read. */
  sizes: readonly number[]
  /** What each call of DynamoDB and of S3 takes longer, ms. */
  latencies: readonly { dynamodb: number; s3: number }[]
}

/** As in the reference's measurements: a page of a thousand is some 4 MB. */
const DATA_BYTES = 512

/** After a cold page, ms: what is read early for the page behind it is not the next measurement's. */
const AFTER_MS = 60

/** Of an instance that has read nothing yet. */
const memories = () => ({ memory: createProcessMemory(), nodes: createLogMemory() })

const nothingPacked: SegmentReader = {
  blocks: async (_, blocks) => blocks.map(() => undefined),
  async *nodes() {},
  expect() {},
  bundle: async () => ({ items: [], raw: (async function* () {})() }),
}

export async function measureHistory({ some, sizes, latencies }: HistoryBench): Promise<void> {
  const keeper = await openKeeper()
  const dynamodb = await startDynamoDb({ keeper })
  const s3 = new Worker(new URL('./s3-worker.ts', import.meta.url))
  const [{ url, variables }] = (await once(s3, 'message')) as [{ url: string; variables: Record<string, string> }]
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 4096 })
  const environment = {
    ...dynamodb.variables,
    ...variables,
    DYNAMODB_ENDPOINT: dynamodb.url,
    S3_ENDPOINT: url,
    // Nobody is asked there.
    GATEWAY_URL: 'http://127.0.0.1:9',
    SU_WALLET: JSON.stringify(privateKey.export({ format: 'jwk' })),
    LOG_LEVEL: 'warn',
    ENABLE_METRICS: 'false',
    AWS_REGION: localRegion,
    AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
  }
  try {
    heading('Filling: messages of 0.5 KB, signed, through the log\u2019s own port')
    const filled: Filled[] = []
    for (const messages of sizes) filled.push({ messages, process: await fill(environment, messages) })

    for (const latency of latencies) {
      const slowed = async (target: string, ms: number) => (ms > 0 ? startLatencyProxy(target, ms) : undefined)
      const proxies = [await slowed(environment.DYNAMODB_ENDPOINT, latency.dynamodb), await slowed(url, latency.s3)]
      const there = {
        ...environment,
        DYNAMODB_ENDPOINT: proxies[0]?.url ?? environment.DYNAMODB_ENDPOINT,
        S3_ENDPOINT: proxies[1]?.url ?? environment.S3_ENDPOINT,
      }
      console.log(`\n=== History, with ${latency.dynamodb} ms a call of DynamoDB and ${latency.s3} ms of S3 added`)
      for (const one of filled) await inThisProcess(there, one, some)
      const longest = filled.at(-1)
      if (longest) await asClient(there, longest, some, keeper)
      for (const proxy of proxies) await proxy?.stop()
    }
  } finally {
    await s3.terminate()
    await dynamodb.stop()
    await keeper.close()
  }
}

/** The parts of a unit in this process, and what makes readers that have read nothing yet. */
export function openUnit(environment: Record<string, string>) {
  const config = parseSuConfig(environment)
  const logger = createLogger({ level: 'silent' }, { service: 'bench' })
  let db: DynamoDb | undefined
  const { scheduler, reading } = createSuParts(config, logger, {
    onDynamoDb: (opened) => {
      db = opened
    },
  })
  if (!db) throw new Error('the unit has no DynamoDB')
  const stores = openSegmentStores(db, openBucket(config.store).objects)
  const parts = { stores, log: reading.log, blobs: scheduler.blobs, clock: reading.clock, logger }
  return {
    scheduler,
    reading,
    signer: createSigner(config.wallet.reveal()),
    builder: createSegmentBuilder({ ...stores, records: reading.log, blobs: scheduler.blobs, clock: reading.clock }),
    unread: (): ReadDeps => ({ ...reading, ...createSegmentParts(parts), ...memories() }),
  }
}

export async function fill(environment: Record<string, string>, messages: number): Promise<string> {
  const { scheduler, signer, builder } = openUnit(environment)
  const begin = performance.now()
  const process = await fillProcess(scheduler, signer, makeWallet(), messages, DATA_BYTES)
  const written = performance.now()
  const head = await scheduler.store.head(process)
  if (!head) throw new Error('the process is gone')
  for (let block = 0; block < blockOf(head.next); block++) await builder.build(head, block)
  figure(`${messages} messages written`, (messages * 1000) / (written - begin), 'a second')
  figure(
    `${blockOf(head.next)} blocks packed`,
    (performance.now() - written) / Math.max(1, blockOf(head.next)),
    'ms each',
  )
  return process
}

export async function inThisProcess(
  environment: Record<string, string>,
  { process, messages }: Filled,
  some: HistoryBench['some'],
) {
  const { reading, unread } = openUnit(environment)
  heading(`In this process, of ${messages} messages: ms from question to last byte (p50)`)
  console.log(
    `  ${''.padEnd(28)}${['each record', 'bare reads', 'cold', 'warm', 'warm, 1st piece'].map((name) => name.padStart(16)).join('')}`,
  )
  const head = await reading.log.head(process)
  if (!head) throw new Error('the process is gone')
  const bare = openBareStores(environment, unread().segments, head.next)
  const plain = (): ReadDeps => ({ ...reading, ...memories(), segments: nothingPacked })
  for (const limit of [100, 1000]) {
    for (const [where, from] of [
      ['start', -1],
      ['middle', Math.floor(messages / 2)],
      ['tail', messages - limit],
    ] as const) {
      const runs = some(20)
      const ask = (deps: ReadDeps) => pageTimes(deps, process, from, limit)
      await ask(plain())
      const records = await repeated(runs, () => ask(plain()))
      const [first, last] = [from + 1, Math.min(head.next - 1, from + limit)]
      await bare.fetch(process, first, last)
      const fetched = await repeated(runs, () => bareTimes(bare, process, first, last))
      await ask(unread())
      const cold = await repeated(runs, async () => {
        const times = await ask(unread())
        await setTimeout(AFTER_MS)
        return times
      })
      const kept = unread()
      await ask(kept)
      const warm = await repeated(runs, () => ask(kept))
      const columns = [records.last, fetched.last, cold.last, warm.last, warm.first]
      console.log(
        `  ${`${limit} at the ${where}`.padEnd(28)}${columns.map((ms) => ms.toFixed(1).padStart(16)).join('')}`,
      )
    }
  }
  bare.close()
}

/** All that the page is made of at the same time; not the head, which says what that is. */
async function bareTimes(bare: BareStores, process: string, first: number, last: number): Promise<Times> {
  const begin = performance.now()
  await bare.fetch(process, first, last)
  return { first: 0, last: performance.now() - begin }
}

interface Times {
  /** ms until the first and the last piece. */
  first: number
  last: number
}

export async function pageTimes(deps: ReadDeps, process: string, from: number, limit: number): Promise<Times> {
  const query = { limit, showAnchor: false, by: 'nonce', from } as const
  const begin = performance.now()
  foreseePage(deps, process, query)
  const page = (await openSettledPage(deps, process, query, 'json')) ?? (await openNewest(deps, process, query))
  let first: number | undefined
  for await (const piece of await page.json()) {
    first ??= performance.now() - begin
    pageBytesSent(piece.length)
  }
  return { first: first ?? 0, last: performance.now() - begin }
}

async function openNewest(deps: ReadDeps, process: string, query: PageQuery): Promise<Page> {
  const head = await deps.log.head(process)
  if (!head) throw new Error('the process is gone')
  return openPage(deps, head, query, 'json')
}

async function repeated(count: number, run: () => Promise<Times>): Promise<Times> {
  const all: Times[] = []
  for (let i = 0; i < count; i++) all.push(await run())
  const middle = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
  return { first: middle(all.map(({ first }) => first)), last: middle(all.map(({ last }) => last)) }
}
