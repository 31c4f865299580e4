/**
 * A whole unit on this machine: stores, stand-ins, the built functions and what calls them. `npm start` runs it, and
 * so do tests and the bench; with regions there are several (regions.ts).
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type UnitFunctionName, unitFunctions } from '../infra/functions.ts'
import { type Bundles, openBundles } from './bundles.ts'
import { openDatabase } from './database.ts'
import { startDynamoDb } from './dynamodb.ts'
import { environmentOf, needsStandIn, writeEnvironment } from './environment.ts'
import { openFront } from './front.ts'
import { type LocalGateway, startGateway } from './gateway.ts'
import type { Outcome } from './lambda/invocation.ts'
import { mutable, type StackLog, silent, timed } from './log.ts'
import type { StackOptions } from './options.ts'
import { at, createParts, type Parts, settled } from './parts.ts'
import { type Keeper, openKeeper } from './processes/keeper.ts'
import { reached } from './reached.ts'
import { namesOf, type RunningFunctions, startFunctions, untilHealthy } from './running.ts'
import { startS3 } from './s3.ts'
import { dynamodbDir, forget, forgetEnvironments, gatewayDir, notServed } from './state-dir.ts'
import { arweaveLine, dataLines, linesOf, type SummaryLine, sizeLine, walletLine } from './summary.ts'
import { startTriggers } from './triggers.ts'
import { ensureOwnWallet } from './wallet.ts'

export interface Stack {
  /** The unit's address. */
  url: string
  /** What the functions have in their environment. */
  environment: Readonly<Record<string, string>>
  /** The stand-in for gateway, bundler and cache, where it has one of its own. */
  gateway?: LocalGateway
  /** The stack's own Postgres, where it has one: away, and back again. */
  postgres?: { stop(): Promise<void>; start(): Promise<void> }
  /** Process ids of a function's instances. */
  pids(name: UnitFunctionName): number[]
  /** Calls a function by hand. */
  invoke(name: UnitFunctionName, event?: unknown): Promise<Outcome>
  /** What runs where: a few lines for people. */
  summary: readonly string[]
  /** Of those the ones about the unit and its own stores; the unit's first. */
  about: readonly SummaryLine[]
  /** Resolves with a sentence when a part ends without which nothing goes on. */
  broken: Promise<string>
  stop(): Promise<void>
  /** Ends everything at once, as a kill -9 of all its processes would. */
  kill(): Promise<void>
}

/** How long the unit may take until it is healthy, ms; then it is opened as it is, and /health says what is missing. */
const healthMs = 20_000

/**
 * Fails with StartError, StateDirInUse, or what a function says of its configuration; nothing of it runs then.
 * @param shared bundles of the functions, where others use them too
 */
export const startStack = async (
  options: StackOptions,
  log: StackLog = silent,
  shared: { bundles?: Bundles } = {},
): Promise<Stack> => {
  mkdirSync(options.stateDir, { recursive: true })
  const keeper = await openKeeper(options.stateDir)
  const parts = createParts()
  const stop = async (how?: 'kill'): Promise<void> => {
    const killed = how && keeper.close(how)
    await parts.takeApart()
    await (killed ?? keeper.close())
  }
  try {
    if (options.fresh) await forget(options.stateDir)
    forgetEnvironments(options.stateDir)
    return { ...(await assemble(options, log, keeper, parts, shared)), stop: () => stop(), kill: () => stop('kill') }
  } catch (error) {
    await stop()
    throw error
  }
}

const assemble = async (
  options: StackOptions,
  log: StackLog,
  keeper: Keeper,
  parts: Parts,
  shared: { bundles?: Bundles },
): Promise<Omit<Stack, 'stop' | 'kill'>> => {
  const { stateDir, ports, latency, variables, host, port } = options
  let running: RunningFunctions<UnitFunctionName> | undefined
  const front = await parts.add(
    openFront({
      host,
      port,
      invoke: (event, abandoned) => running?.get('su').invoke(event, abandoned),
      onFailure: (message) => log.line('su', message),
      awsFaults: options.awsFaults,
    }),
  )
  const names = namesOf(unitFunctions)
  const step = <T extends { stop(): Promise<void> }>(what: string, starting: Promise<T>): Promise<T> =>
    parts.add(timed(log, what, starting))
  const [bundles, dynamodb, s3, database, gateway] = await settled([
    shared.bundles ??
      step('Functions', openBundles({ dir: join(stateDir, 'functions'), names, watch: options.watch, log: log.note })),
    step('DynamoDB Local', startDynamoDb({ dir: dynamodbDir(stateDir), keeper, ...at(ports.dynamodb) })),
    step('S3', startS3({ dir: join(stateDir, 's3'), ...at(ports.s3) })),
    step('Postgres', openDatabase({ stateDir, variables, ports, keeper, log: log.note })),
    needsStandIn(variables)
      ? step(
          'Arweave stand-in',
          startGateway({ dir: gatewayDir(stateDir), blockMs: options.blockMs, ...at(ports.gateway) }),
        )
      : undefined,
    ensureOwnWallet(options, log),
  ])
  const { PLACEMENTS_ENDPOINT: placements } = variables
  const reachedAt = (url: string, ms: number): Promise<string> =>
    reached(url, { ms, onCall: options.onCall, onDynamoDb: options.onDynamoDb }, parts)
  const environment = environmentOf(options, {
    url: front.url,
    dynamodb: await reachedAt(dynamodb.url, latency.dynamodb),
    s3: await reachedAt(s3.url, latency.s3),
    gateway: gateway?.url,
    variables: {
      ...dynamodb.variables,
      ...s3.variables,
      ...database.variables,
      ...(placements && { PLACEMENTS_ENDPOINT: await reachedAt(placements, latency.dynamodb) }),
    },
  })
  writeEnvironment(stateDir, environment)

  const { instances, concurrency, freeze } = options
  const ofFunctions = mutable(log)
  const started = startFunctions({
    names,
    bundles,
    environment,
    keeper,
    instances,
    concurrency,
    freeze,
    onLine: ofFunctions.line,
  })
  running = started
  parts.atEnd(() => started.stop())
  await timed(log, 'Lambda instances', started.ready())
  parts.atEnd(startTriggers({ running: started, endpoint: dynamodb.url, stateDir, log }))
  // First of all no more requests are taken, and those that run are answered.
  parts.atEnd(() => front.stop())

  const advice = 'Start it with that wallet, or with another STATE_DIR.'
  const complaint = await ofFunctions.mute(() =>
    timed(log, 'Health', untilHealthy(started.get('su'), environment, healthMs, advice)),
  )
  if (complaint !== undefined) log.note(`The unit is not healthy: ${complaint}`)
  front.open()

  const ofTheUnit: SummaryLine[] = [
    ['Scheduler unit', sizeLine(front.url, options)],
    ['DynamoDB, S3', `${dynamodb.url}, ${s3.url}${latency.dynamodb + latency.s3 > 0 ? ', slowed' : ''}`],
    ['Postgres', database.description],
  ]
  const ofAll = [walletLine(environment), arweaveLine(environment), ...dataLines(stateDir, notServed(stateDir, 'unit'))]
  return {
    url: front.url,
    environment,
    ...(gateway && { gateway }),
    ...(database.own && { postgres: database.own }),
    pids: (name) => started.get(name).pids(),
    invoke: (name, event = {}) => started.get(name).invoke(JSON.stringify(event)),
    broken: dynamodb.ended.then(() => 'DynamoDB Local has ended.'),
    about: ofTheUnit,
    summary: linesOf([...ofTheUnit, ...ofAll]),
  }
}
