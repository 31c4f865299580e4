/**
 * Several units behind a router, on one machine: `npm start -- --regions N`. Each unit is a whole stack; they share the wallet, and
 * on this machine the stand-in for Arweave, and nothing else.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { functions } from '../infra/functions.ts'
import { type Addresses, adviceOnAddresses, chooseAddresses, rememberPorts, unitUrl } from './addresses.ts'
import { type Bundles, openBundles } from './bundles.ts'
import { needsStandIn } from './environment.ts'
import { type LocalGateway, startGateway } from './gateway.ts'
import { type StackLog, silent, timed } from './log.ts'
import type { StackOptions } from './options.ts'
import { at, createParts, type Parts, settled } from './parts.ts'
import { letThrough } from './postgres/place.ts'
import { type Keeper, openKeeper } from './processes/keeper.ts'
import { isListGiven, leftOut, type RegionPlaces, routerVariables, unitVariables } from './region-variables.ts'
import { adviceOnList, type Router, startRouter } from './router.ts'
import { namesOf } from './running.ts'
import { type Stack, startStack } from './stack.ts'
import { forget, forgetEnvironments, gatewayDir, notServed, regionDir } from './state-dir.ts'
import { arweaveLine, dataLines, linesOf, type SummaryLine, walletLine } from './summary.ts'
import { ensureOwnWallet } from './wallet.ts'

export interface Regions {
  /** The router's address. */
  readonly url: string
  readonly router: Router
  /** The first is region 1. */
  readonly units: readonly Stack[]
  /** The stand-in for gateway, bundler and cache, where there is one. */
  readonly gateway?: LocalGateway
  /** Starts the router again where it was, after it was stopped or killed. @param variables configuration that changes with it */
  startRouter(variables?: Readonly<Record<string, string>>): Promise<Router>
  /** Likewise a unit. */
  startUnit(index: number): Promise<Stack>
  /** What runs where: a few lines for people. */
  readonly summary: readonly string[]
  /** Resolves with a sentence when a part ends without which nothing goes on. */
  readonly broken: Promise<string>
  stop(): Promise<void>
  /** Ends everything at once, as a kill -9 of all its processes would. */
  kill(): Promise<void>
}

/** Fails with StartError, StateDirInUse, or what a function says of its configuration; nothing of it runs then. */
export const startRegions = async (options: StackOptions, count: number, log: StackLog = silent): Promise<Regions> => {
  mkdirSync(options.stateDir, { recursive: true })
  const keeper = await openKeeper(options.stateDir)
  const parts = createParts()
  try {
    if (options.fresh) await forget(options.stateDir)
    forgetEnvironments(options.stateDir)
    letThrough(options.stateDir)
    const addresses = await chooseAddresses(options, count)
    return await assemble(options, { addresses, keeper, log }, openShared(options, parts, log), parts)
  } catch (error) {
    await parts.takeApart()
    await keeper.close()
    throw error
  }
}

/** What router and units are started with, the first time and again. */
interface Frame {
  addresses: Addresses
  keeper: Keeper
  log: StackLog
}

/** What units and router have in common, or the units alone. */
interface Shared {
  bundles: Bundles
  gateway: LocalGateway | undefined
}

const openShared = async (options: StackOptions, parts: Parts, log: StackLog): Promise<Shared> => {
  const { stateDir, watch, variables, blockMs, ports } = options
  const step = <T extends { stop(): Promise<void> }>(what: string, starting: Promise<T>): Promise<T> =>
    parts.add(timed(log, what, starting))
  const [bundles, gateway] = await settled([
    step(
      'Functions',
      openBundles({ dir: join(stateDir, 'functions'), names: namesOf(functions), watch, log: log.note }),
    ),
    needsStandIn(variables)
      ? step('Arweave stand-in', startGateway({ dir: gatewayDir(stateDir), blockMs, ...at(ports.gateway) }))
      : undefined,
    ensureOwnWallet(options, log),
  ])
  return { bundles, gateway }
}

const assemble = async (
  options: StackOptions,
  frame: Frame,
  opening: Promise<Shared>,
  parts: Parts,
): Promise<Regions> => {
  const { addresses, keeper, log } = frame
  const urls = addresses.units.map(unitUrl)
  const units: Stack[] = []
  let router: Router | undefined
  const bundles = opening.then((shared) => shared.bundles)
  const startTheRouter = async (
    changed: Readonly<Record<string, string>> = {},
    ready?: Promise<unknown>,
  ): Promise<Router> => {
    const changedOptions = { ...options, variables: { ...options.variables, ...changed } }
    const advice = isListGiven(changedOptions) ? adviceOnList : adviceOnAddresses(options.stateDir)
    router = await startRouter(routerOptions(changedOptions, addresses), routerLog(log), {
      keeper,
      bundles,
      advice,
      ...(ready && { units: ready }),
    })
    return router
  }
  const startUnit = async (index: number): Promise<Stack> => {
    const shared = await opening
    const unit = await startStack(unitOptions(options, addresses, shared, index), unitLog(index, log), shared)
    units[index] = unit
    return unit
  }
  const unitsStarting = opening.then(() => {
    parts.atEnd(() => Promise.all(units.map((unit) => unit.stop())))
    // First of all the router sends no client to them any more.
    parts.atEnd(() => router?.stop())
    return settled(urls.map((_, index) => startUnit(index)))
  })
  const [first] = await settled([startTheRouter({}, unitsStarting), unitsStarting, bundles])
  const { gateway } = await opening
  rememberPorts(options.stateDir, addresses)
  if (options.variables.DATABASE_URL !== undefined) log.note('DATABASE_URL is given: all regions share that database.')
  if (options.variables.CDN_SECRET !== undefined) {
    log.note(
      'CDN_SECRET is given, and no CDN stands between router and units here: units refuse what the router passes on.',
    )
  }
  for (const url of leftOut(options, urls)) log.note(`SCHEDULER_LIST does not name ${url}: it gets no spawns.`)
  const stop = async (): Promise<void> => {
    await parts.takeApart()
    await keeper.close()
  }
  return {
    url: first.url,
    get router() {
      return router ?? first
    },
    units,
    ...(gateway && { gateway }),
    startRouter: (changed) => startTheRouter(changed),
    startUnit,
    summary: summaryOf(options, first, units),
    broken: Promise.race([first, ...units].map(({ broken }) => broken)),
    stop,
    async kill() {
      await Promise.all([keeper.close('kill'), router?.kill(), ...units.map((unit) => unit.kill())])
      await stop()
    },
  }
}

const routerOptions = (options: StackOptions, { router, dynamodb, units }: Addresses): StackOptions => ({
  ...options,
  port: router,
  ports: { dynamodb },
  variables: routerVariables(options, units.map(unitUrl)),
})

const unitOptions = (options: StackOptions, addresses: Addresses, { gateway }: Shared, index: number): StackOptions => {
  const port = addresses.units[index]
  if (port === undefined) throw new RangeError(`There is no region ${index + 1}`)
  const { gateway: _, ...own } = options.ports
  const places: RegionPlaces = {
    router: unitUrl(addresses.router),
    dynamodb: unitUrl(addresses.dynamodb),
    gateway: gateway?.url,
  }
  return {
    ...options,
    stateDir: regionDir(options.stateDir, index + 1),
    fresh: false,
    port,
    ports: Object.fromEntries(Object.entries(own).map(([part, first]) => [part, first + index + 1])),
    variables: unitVariables(options, unitUrl(port), places),
  }
}

const routerLog = ({ line, note }: StackLog): StackLog => ({ line, note: (message) => note(`router: ${message}`) })

const unitLog = (index: number, { line, note }: StackLog): StackLog => ({
  line: (source, text) => line(`${index + 1} ${source}`, text),
  note: (message) => note(`region ${index + 1}: ${message}`),
})

const summaryOf = ({ stateDir }: StackOptions, router: Router, units: readonly Stack[]): string[] => {
  const ofUnits = units.flatMap(({ about: [first, ...others] }, index): SummaryLine[] => [
    [`Region ${index + 1}`, first?.[1] ?? ''],
    ...others.map(([label, text]): SummaryLine => [`  ${label}`, text]),
  ])
  const { environment } = units[0] ?? { environment: {} }
  return linesOf([
    ...router.about,
    ...ofUnits,
    walletLine(environment),
    arweaveLine(environment),
    ...dataLines(stateDir, notServed(stateDir, 'regions')),
  ])
}
