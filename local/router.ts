/**
 * The router on this machine: its functions, and a DynamoDB of its own for what it has placed. In front of the regions of the same
 * start (regions.ts), or alone, in front of units that run elsewhere.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type FunctionName, routerFunctions } from '../infra/functions.ts'
import { routerTables } from '../infra/tables.ts'
import { type Bundles, openBundles } from './bundles.ts'
import { startDynamoDb } from './dynamodb.ts'
import { routerEnvironmentOf, writeEnvironment } from './environment.ts'
import { openFront } from './front.ts'
import type { Outcome } from './lambda/invocation.ts'
import { mutable, type StackLog, silent, timed } from './log.ts'
import type { StackOptions } from './options.ts'
import { at, createParts, type Parts, settled } from './parts.ts'
import { type Keeper, openKeeper } from './processes/keeper.ts'
import { reached } from './reached.ts'
import { namesOf, type RunningFunctions, startFunctions, untilHealthy } from './running.ts'
import { dynamodbDir, forget, forgetEnvironments, notServed, routerDir } from './state-dir.ts'
import { dataLines, linesOf, type SummaryLine, sizeLine } from './summary.ts'

export type RouterFunctionName = keyof typeof routerFunctions

export const routerNames: readonly (RouterFunctionName & FunctionName)[] = namesOf(routerFunctions)

export interface Router {
  url: string
  /** What its functions have in their environment. */
  environment: Readonly<Record<string, string>>
  /** Process ids of a function's instances: each that is killed is replaced. */
  pids(name: RouterFunctionName): number[]
  /** Calls a function by hand. */
  invoke(name: RouterFunctionName, event?: unknown): Promise<Outcome>
  /** What runs where, the router first. */
  about: readonly SummaryLine[]
  /** Resolves with a sentence when its DynamoDB ends. */
  broken: Promise<string>
  stop(): Promise<void>
  /** Ends it at once: requests that run are not answered. */
  kill(): Promise<void>
}

export interface RouterAlone extends Router {
  summary: readonly string[]
}

/** It is asked for one row at a time: a small heap is enough. MB. */
const heap = 256

/** How long it may take until it is healthy, ms; then it is opened as it is, and /health says what is missing. */
const healthMs = 20_000

export interface RouterNeeds {
  keeper: Keeper
  /** The address answers 503 before they are there, so that a client can tell a router that starts from none. */
  bundles: Promise<Bundles>
  /** What helps where its list of units leaves out one that has processes: a sentence. */
  advice: string
  /** Its address answers 503 until this has resolved: the units that it sends clients to, where they start with it. */
  units?: Promise<unknown>
}

/** Fails with StartError, or what a function says of its configuration; nothing of it runs then. */
export const startRouter = async (options: StackOptions, log: StackLog, using: RouterNeeds): Promise<Router> => {
  const parts = createParts()
  try {
    const { functions, ...router } = await assemble(options, log, using, parts)
    return {
      ...router,
      stop: () => parts.takeApart(),
      async kill() {
        await functions.stop()
        await parts.takeApart()
      },
    }
  } catch (error) {
    await parts.takeApart()
    throw error
  }
}

type Assembled = Omit<Router, 'stop' | 'kill'> & { functions: RunningFunctions<RouterFunctionName> }

const assemble = async (
  options: StackOptions,
  log: StackLog,
  { keeper, bundles: building, advice, units }: RouterNeeds,
  parts: Parts,
): Promise<Assembled> => {
  const { host, port, ports, latency, instances, concurrency, freeze } = options
  const stateDir = routerDir(options.stateDir)
  mkdirSync(stateDir, { recursive: true })
  let running: RunningFunctions<RouterFunctionName> | undefined
  const front = await parts.add(
    openFront({
      host,
      port,
      invoke: (event, abandoned) => running?.get('router').invoke(event, abandoned),
      onFailure: (message) => log.line('router', message),
      awsFaults: options.awsFaults,
    }),
  )
  const database = startDynamoDb({
    dir: dynamodbDir(stateDir),
    keeper,
    tables: routerTables,
    heap,
    ...at(ports.dynamodb),
  })
  const [dynamodb, bundles] = await settled([parts.add(timed(log, 'DynamoDB Local', database)), building])
  const { url } = front
  const endpoint = await reached(dynamodb.url, { ms: latency.dynamodb, onCall: options.onCall }, parts)
  const environment = routerEnvironmentOf(options, { url, dynamodb: endpoint, variables: dynamodb.variables })
  writeEnvironment(stateDir, environment)

  const ofFunctions = mutable(log)
  const functions = startFunctions({
    names: routerNames,
    bundles,
    environment,
    keeper,
    instances,
    concurrency,
    freeze,
    onLine: ofFunctions.line,
  })
  running = functions
  parts.atEnd(() => functions.stop())
  await timed(log, 'Lambda instances', functions.ready())
  parts.atEnd(() => front.stop())

  const complaint = await ofFunctions.mute(() =>
    timed(log, 'Health', untilHealthy(functions.get('router'), environment, healthMs, advice)),
  )
  if (complaint !== undefined) log.note(`The router is not healthy: ${complaint}`)
  await units
  front.open()

  return {
    functions,
    url,
    environment,
    pids: (name) => functions.get(name).pids(),
    invoke: (name, event = {}) => functions.get(name).invoke(JSON.stringify(event)),
    about: [
      ['Router', sizeLine(url, options)],
      ['  DynamoDB', latency.dynamodb === 0 ? dynamodb.url : `${dynamodb.url}, slowed`],
    ],
    broken: dynamodb.ended.then(() => 'The router’s DynamoDB Local has ended.'),
  }
}

/** What helps where the operator gave the list. */
export const adviceOnList = 'Name them in SCHEDULER_LIST, with no_route where they are to get no more spawns.'

/** `MODE=router npm start`. Fails with StartError, StateDirInUse, or what a function says of its configuration. */
export const startRouterAlone = async (options: StackOptions, log: StackLog = silent): Promise<RouterAlone> => {
  const { stateDir, watch } = options
  mkdirSync(stateDir, { recursive: true })
  const keeper = await openKeeper(stateDir)
  const parts = createParts()
  const end = async (): Promise<void> => {
    await parts.takeApart()
    await keeper.close()
  }
  try {
    if (options.fresh) await forget(stateDir)
    forgetEnvironments(stateDir)
    const dir = join(stateDir, 'functions')
    const bundles = parts.add(timed(log, 'Functions', openBundles({ dir, names: routerNames, watch, log: log.note })))
    const starting = parts.add(startRouter(options, log, { keeper, bundles, advice: adviceOnList }))
    const [router] = await settled([starting, bundles])
    return {
      ...router,
      summary: linesOf([...router.about, ...dataLines(stateDir, notServed(stateDir, 'router'))]),
      stop: end,
      async kill() {
        await router.kill()
        await end()
      },
    }
  } catch (error) {
    await end()
    throw error
  }
}
