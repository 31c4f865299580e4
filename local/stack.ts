/**
 * The whole stack on this machine: stores, stand-ins, the built functions and what calls them. `npm start` runs it, and
 * so do tests and the bench.
 */
import { appendFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type FunctionName, functions } from '../infra/functions.ts'
import { type Bundles, buildBundles, watchBundles } from './bundles.ts'
import { openDatabase } from './database.ts'
import { localTableName, startDynamoDb } from './dynamodb.ts'
import { environmentOf, needsStandIn, ownWallet, writeEnvironment } from './environment.ts'
import { type LocalGateway, startGateway } from './gateway.ts'
import { type FunctionUrl, openFunctionUrl } from './lambda/function-url.ts'
import type { Outcome } from './lambda/invocation.ts'
import { startLatencyProxy } from './latency-proxy.ts'
import { type StackOptions, StartError } from './options.ts'
import { removePlace } from './postgres/place.ts'
import { type Keeper, openKeeper } from './processes/keeper.ts'
import { type RunningFunctions, startFunctions, untilHealthy } from './running.ts'
import { startS3 } from './s3.ts'
import { startSchedules } from './schedules.ts'
import { startMapping } from './streams/mapping.ts'
import { addressOf, ensureWallet, readWallet } from './wallet.ts'

export interface Stack {
  /** The unit's address. */
  url: string
  /** What the functions have in their environment. */
  environment: Readonly<Record<string, string>>
  /** The stand-in for gateway, bundler and cache, where there is one. */
  gateway?: LocalGateway
  /** The stack's own Postgres, where it has one: away, and back again. */
  postgres?: { stop(): Promise<void>; start(): Promise<void> }
  /** Process ids of a function's instances. */
  pids(name: FunctionName): number[]
  /** Calls a function by hand. */
  invoke(name: FunctionName, event?: unknown): Promise<Outcome>
  /** What runs where: a few lines for people. */
  summary: readonly string[]
  /** Resolves with a sentence when a part ends without which nothing goes on. */
  broken: Promise<string>
  stop(): Promise<void>
  /** Ends everything at once, as a kill -9 of all its processes would. */
  kill(): Promise<void>
}

export interface StackLog {
  /** A line that a function wrote. */
  line(source: string, line: string): void
  /** What the stack itself has to say. */
  note(message: string): void
}

const silent: StackLog = { line() {}, note() {} }

/** How long the unit may take until it is healthy, ms; then it is opened as it is, and /health says what is missing. */
const healthMs = 20_000

/** What is to be undone at the end, the last first. */
type Undo = (() => Promise<void> | void)[]

/** Fails with StartError, StateDirInUse, or what a function says of its configuration; nothing of it runs then. */
export const startStack = async (options: StackOptions, log: StackLog = silent): Promise<Stack> => {
  mkdirSync(options.stateDir, { recursive: true })
  const keeper = await openKeeper(options.stateDir)
  const undo: Undo = []
  const stop = async (how?: 'kill'): Promise<void> => {
    const killed = how && keeper.close(how)
    for (const one of undo.splice(0).reverse()) await one()
    await (killed ?? keeper.close())
  }
  try {
    if (options.fresh) forget(options.stateDir)
    return { ...(await assemble(options, log, keeper, undo)), stop: () => stop(), kill: () => stop('kill') }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Everything but the wallet, and the lock, which this start holds. */
const forget = (stateDir: string): void => {
  const kept = ['wallet.json', 'lock.db', 'supervisor.pid']
  for (const name of readdirSync(stateDir)) if (!kept.includes(name)) removePlace(join(stateDir, name))
}

const assemble = async (
  options: StackOptions,
  log: StackLog,
  keeper: Keeper,
  undo: Undo,
): Promise<Omit<Stack, 'stop' | 'kill'>> => {
  const { stateDir, ports, latency, variables } = options
  const part = async <T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const started = await starting
    undo.push(() => started.stop())
    return started
  }
  let lambdas: RunningFunctions | undefined
  const rebuilt = (name: FunctionName): void => {
    if (lambdas === undefined) return
    log.note(`${name} was built again`)
    lambdas.replace(name)
  }

  const front = await part(openFront(options, log, () => lambdas))
  const [bundles, dynamodb, s3, database, gateway] = await settled([
    part(bundle(options, rebuilt)),
    part(startDynamoDb({ dir: join(stateDir, 'dynamodb'), keeper, ...at(ports.dynamodb) })),
    part(startS3({ dir: join(stateDir, 's3'), ...at(ports.s3) })),
    part(openDatabase({ stateDir, variables, ports, keeper, log: log.note })),
    needsStandIn(variables)
      ? part(startGateway({ dir: join(stateDir, 'gateway'), blockMs: options.blockMs, ...at(ports.gateway) }))
      : undefined,
    ensureOwnWallet(options),
  ])
  const slowed = async (url: string, ms: number): Promise<string> =>
    ms === 0 ? url : (await part(startLatencyProxy(url, ms))).url
  const environment = environmentOf(options, {
    url: front.url,
    dynamodb: await slowed(dynamodb.url, latency.dynamodb),
    s3: await slowed(s3.url, latency.s3),
    gateway: gateway?.url,
    variables: { ...dynamodb.variables, ...s3.variables, ...database.variables },
  })
  writeEnvironment(join(stateDir, 'env.json'), environment)

  const { instances, concurrency, freeze } = options
  const running = startFunctions({ bundles, environment, keeper, instances, concurrency, freeze, onLine: log.line })
  lambdas = running
  undo.push(() => running.stop())
  await running.ready()
  undo.push(callByThemselves(running, dynamodb.url, stateDir, log))
  // First of all no more requests are taken, and those that run are answered.
  undo.push(() => front.stop())

  const complaint = await untilHealthy(running.get('su'), healthMs)
  if (complaint !== undefined) log.note(`The unit is not healthy: ${complaint}`)
  front.open()

  return {
    url: front.url,
    environment,
    ...(gateway && { gateway }),
    ...(database.own && { postgres: database.own }),
    pids: (name) => running.get(name).pids(),
    invoke: (name, event = {}) => running.get(name).invoke(JSON.stringify(event)),
    broken: dynamodb.ended.then(() => 'DynamoDB Local has ended.'),
    summary: [
      `Scheduler unit  ${front.url}, ${instances} instances, ${concurrency === 1 ? 'one request' : `${concurrency} requests`} each`,
      `Wallet          ${walletLine(environment)}`,
      `DynamoDB, S3    ${dynamodb.url}, ${s3.url}${latency.dynamodb + latency.s3 > 0 ? ', slowed' : ''}`,
      `Postgres        ${database.description}`,
      `Arweave         gateway ${environment.GATEWAY_URL}, bundler ${environment.UPLOAD_NODE_URL}, cache ${environment.CACHE_URL}`,
      `Data            ${stateDir}`,
    ],
  }
}

/** Like Promise.all, but what goes on beside a failure is awaited, so that it can be undone. */
const settled = async <T extends readonly unknown[]>(
  starting: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> => {
  await Promise.allSettled(starting)
  return Promise.all(starting)
}

const at = (port: number | undefined): { port?: number } => (port === undefined ? {} : { port })

const openFront = async (
  { host, port }: StackOptions,
  log: StackLog,
  lambdas: () => RunningFunctions | undefined,
): Promise<FunctionUrl> => {
  const lambda = {
    invoke: async (event: string, abandoned?: AbortSignal): Promise<Outcome> =>
      (await lambdas()?.get('su').invoke(event, abandoned)) ?? { kind: 'throttled' },
  }
  try {
    return await openFunctionUrl({ lambda, host, port, onFailure: (message) => log.line('su', message) })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    throw new StartError(`Port ${port} is taken: stop what listens there, or give another PORT.`)
  }
}

const bundle = (options: StackOptions, replace: (name: FunctionName) => void): Promise<Bundles> => {
  const dir = join(options.stateDir, 'functions')
  if (!options.watch) return buildBundles(dir)
  return watchBundles(dir, replace)
}

/** The stream and the schedules. Gives what ends them. */
const callByThemselves = (running: RunningFunctions, endpoint: string, stateDir: string, log: StackLog) => {
  const { relay, height, sweeper } = functions
  const mapping = startMapping({
    endpoint,
    table: localTableName(relay.trigger.table),
    trigger: relay.trigger,
    lambda: running.get('relay'),
    checkpointFile: join(stateDir, 'stream.json'),
    onGivenUp: (givenUp) => appendFileSync(join(stateDir, 'relay-given-up.jsonl'), `${JSON.stringify(givenUp)}\n`),
    onFailure: (message) => log.line('relay', message),
  })
  const schedules = startSchedules(
    [
      { lambda: running.get('height'), rate: height.trigger.rate },
      { lambda: running.get('sweeper'), rate: sweeper.trigger.rate },
    ],
    log.note,
  )
  return async (): Promise<void> => {
    schedules.stop()
    // What the functions are at would hold up the stop, and comes again.
    await Promise.all([mapping.stop(), running.stop()])
  }
}

const ensureOwnWallet = async (options: StackOptions): Promise<void> => {
  const file = ownWallet(options)
  if (file !== undefined) await ensureWallet(file)
}

const walletLine = ({ SU_WALLET, SU_WALLET_PATH = '' }: Readonly<Record<string, string>>): string => {
  const address = addressOf(SU_WALLET ?? readWallet(SU_WALLET_PATH)) ?? 'not readable'
  return SU_WALLET === undefined ? `${address}, ${SU_WALLET_PATH}` : address
}
