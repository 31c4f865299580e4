/**
 * What a new instance costs: each built function in a fresh process, from its import to its first answer, beside the second one, which
 * is what a warm instance takes. Stores and services are the local stack's, without the functions.
 */
import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { buildAll, buildFunction } from '../infra/build.ts'
import { type BundleSize, kilobytes } from '../infra/bundle-sizes.ts'
import type { FunctionName } from '../infra/functions.ts'
import { routerTables, tables } from '../infra/tables.ts'
import { openDatabase } from '../local/database.ts'
import { startDynamoDb } from '../local/dynamodb.ts'
import { environmentOf, routerEnvironmentOf } from '../local/environment.ts'
import { startGateway } from '../local/gateway.ts'
import { toEvent } from '../local/lambda/event.ts'
import { parseOptions } from '../local/options.ts'
import { createParts, settled } from '../local/parts.ts'
import { openKeeper } from '../local/processes/keeper.ts'
import { startS3 } from '../local/s3.ts'
import type { ColdMeasured } from './cold-process.ts'
import { makeMessages, makeProcess, makeWallet, type Post } from './items.ts'
import { heading } from './report.ts'

const UNITS = ['https://su-1.example', 'https://su-2.example']
const ROUTER = 'https://router.example'

interface World {
  /** Of a unit's functions, and of a router's. */
  unit: Record<string, string>
  router: Record<string, string>
  database: string
}

/** @param rounds of all functions: each is started so often */
export async function measureColdStarts(rounds: number): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'su-cold-'))
  const parts = createParts()
  try {
    const sizes = await buildAll(dir)
    // As a deploy puts them beside it.
    cpSync('db/postgres/migrations', join(dir, 'migrate', 'migrations'), { recursive: true })
    const program = join(dir, 'cold-process')
    await buildFunction('bench/cold-process.ts', program)
    const world = await openWorld(dir, parts)
    const results = new Map<string, Result>()
    const start: Start = async (name, what, environment, events) => {
      const one = await coldStart(join(program, 'index.mjs'), join(dir, name, 'index.mjs'), environment, events)
      const label = what === '' ? name : `${name}: ${what}`
      results.set(label, { name, all: [...(results.get(label)?.all ?? []), one] })
    }
    // The first round is for the stores, which are slow at first, and is not counted.
    for (let round = 0; round <= rounds; round++) {
      if (round === 1) results.clear()
      await startAll(world, start)
    }
    report(results, sizes)
  } finally {
    await parts.takeApart()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function openWorld(dir: string, parts: ReturnType<typeof createParts>): Promise<World> {
  const keeper = await openKeeper()
  parts.atEnd(() => keeper.close())
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 4096 })
  const variables = { SU_WALLET: JSON.stringify(privateKey.export({ format: 'jwk' })), LOG_LEVEL: 'warn' }
  const options = { ...parseOptions({ STATE_DIR: dir }), variables }
  const [dynamodb, s3, database, gateway] = await settled([
    parts.add(startDynamoDb({ keeper, tables: { ...tables, ...routerTables } })),
    parts.add(startS3()),
    parts.add(openDatabase({ stateDir: dir, variables: {}, ports: {}, keeper, log: () => undefined })),
    parts.add(startGateway({ blockMs: 2_000 })),
  ])
  const places = { dynamodb: dynamodb.url, s3: s3.url, gateway: gateway.url }
  const { PLACEMENTS_TABLE = '', ...unitTables } = dynamodb.variables
  const stores = { ...unitTables, ...s3.variables, ...database.variables }
  const list = JSON.stringify(UNITS.map((url) => ({ url })))
  return {
    unit: environmentOf(options, { url: UNITS[0] ?? '', ...places, variables: stores }),
    router: routerEnvironmentOf(
      { variables: { ...variables, SCHEDULER_LIST: list } },
      { url: ROUTER, dynamodb: dynamodb.url, variables: { PLACEMENTS_TABLE } },
    ),
    database: database.variables.DATABASE_URL ?? '',
  }
}

interface Result {
  name: FunctionName
  all: ColdMeasured[]
}

/** @param what it is asked, where it may be asked several things. @param events two, of the same kind */
type Start = (
  name: FunctionName,
  what: string,
  environment: Record<string, string>,
  events: readonly [unknown, unknown],
) => Promise<void>

/** Each function, with two calls of what it is there for: what one of them wrote is there for the next. */
async function startAll({ unit, router, database }: World, start: Start): Promise<void> {
  const wallet = makeWallet()
  const [one, other] = await Promise.all([makeProcess(wallet), makeProcess(wallet)])
  const messageTo = async ({ id }: Post) => posted((await makeMessages(wallet, id, 1, 512))[0])
  const page = ({ id }: Post) => asked(`/${id}?process-id=${id}&limit=100`)
  // Any source will do but a Rust router's or unit's database: what is answered is that it is none.
  const placements = { from: database, units: { 'https://old.example': UNITS[0] } }

  await start('migrate', '', unit, [{}, {}])
  await start('height', '', unit, [{}, {}])
  await start('router', 'a spawn', router, [posted(one), posted(other)])
  await start('router', 'a redirect', router, [page(one), page(other)])
  await start('su', 'a spawn', unit, [posted(one), posted(other)])
  await start('su', 'a message', unit, [await messageTo(one), await messageTo(other)])
  await start('su', 'a page', unit, [page(one), page(other)])
  await start('relay', '', unit, [headMoved(one), headMoved(other)])
  await start('packer', '', unit, [headMoved(one), headMoved(other)])
  await start('reconciler', '', unit, [{}, {}])
  const messages = { from: database }
  await start('mig', '', unit, [{ messages }, { messages }])
  await start('migPlacements', '', router, [{ placements }, { placements }])
}

const address = '192.0.2.1'

const asked = (target: string): unknown =>
  toEvent({ method: 'GET', target, headers: {}, body: Buffer.alloc(0), address })

const posted = (item: Post | undefined): unknown => {
  const headers = { 'content-type': 'application/octet-stream' }
  return toEvent({ method: 'POST', target: '/', headers, body: item?.raw ?? Buffer.alloc(0), address })
}

const headMoved = ({ id }: Post): unknown => ({
  Records: [
    { eventName: 'MODIFY', dynamodb: { SequenceNumber: '1', Keys: { process: { S: id }, row: { S: 'head' } } } },
  ],
})

/** How long a process may take, ms. */
const PATIENCE_MS = 60_000

async function coldStart(
  program: string,
  bundle: string,
  environment: Record<string, string>,
  events: readonly unknown[],
): Promise<ColdMeasured> {
  const child = spawn(process.execPath, [program, bundle], {
    env: { LANG: 'en_US.UTF-8', TZ: ':UTC', AWS_LAMBDA_FUNCTION_NAME: 'cold', ...environment },
    stdio: ['pipe', 'ignore', 'pipe', 'pipe'],
    timeout: PATIENCE_MS,
  })
  const [, , said, channel] = child.stdio
  child.stdin?.end(JSON.stringify(events))
  if (!(channel instanceof Readable) || !said) throw new Error('A process was started without its channels')
  const [complaint, measured] = await Promise.all([text(said), text(channel)])
  if (measured === '') throw new Error(`A cold start came to nothing: ${complaint}`)
  return JSON.parse(measured)
}

/** What else the machine is at is in all of them, and least in the quickest. */
/** Of each figure the quickest: what else the machine is at is least in that. */
function report(results: ReadonlyMap<string, Result>, sizes: Readonly<Record<FunctionName, BundleSize>>): void {
  heading('Bundles: what is loaded at the start, by where it comes from, KB')
  for (const [name, { atStart, later, packages }] of Object.entries(sizes)) {
    const largest = [...packages].sort(([, a], [, b]) => b - a).slice(0, 6)
    const named = largest.map(([from, bytes]) => `${from} ${kilobytes(bytes)}`).join(', ')
    console.log(`  ${name.padEnd(9)}${String(kilobytes(atStart)).padStart(4)} (later ${kilobytes(later)}): ${named}`)
  }
  heading(
    'Cold starts, the quickest, ms: Node itself, import, first answer, what the instance does after it; the second answer',
  )
  for (const [label, { all }] of results) {
    const ms = (of: (one: ColdMeasured) => number | undefined) =>
      Math.min(...all.map((one) => of(one) ?? 0))
        .toFixed(0)
        .padStart(5)
    const columns = [
      `node ${ms(({ node }) => node)}`,
      `import ${ms((one) => one.import)}`,
      `first ${ms(({ calls: [first] }) => first?.answered)}`,
      `after it ${ms(({ calls: [first] }) => first && first.free - first.answered)}`,
      `cold in all ${ms(({ node, calls: [first], ...one }) => node + one.import + (first?.answered ?? 0))}`,
      `second ${ms(({ calls: [, second] }) => second?.answered)}`,
    ]
    const [failure] = all.flatMap(({ failures }) => failures)
    console.log(
      `  ${label.padEnd(20)}${columns.join('  ')}${failure === undefined ? '' : `  (${failure.slice(0, 70)})`}`,
    )
  }
}
