/** The functions of infra/functions.ts as they run in a stack. */
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FunctionName, type FunctionSettings, functions } from '../infra/functions.ts'
import { accessKeyOf } from './aws-calls.ts'
import type { Bundles } from './bundles.ts'
import { type FunctionOptions, type LambdaFunction, startFunction } from './lambda/function.ts'
import { openFunctionUrl } from './lambda/function-url.ts'
import { runtimeClient } from './lambda/instance.ts'
import type { Keeper } from './processes/keeper.ts'
import { StartError } from './start-error.ts'

export interface RunningFunctions<N extends FunctionName> {
  get(name: N): LambdaFunction
  /** Resolves when all that is to be warm is ready; fails with what a function says that cannot start. */
  ready(): Promise<void>
  stop(): Promise<void>
}

export interface RunningOptions<N extends FunctionName> {
  names: readonly N[]
  bundles: Bundles
  environment: Record<string, string>
  keeper: Keeper
  /** Of what answers over HTTP. The others are called rarely, and have one request at a time. */
  instances: number
  concurrency: number
  freeze: boolean
  onLine(source: string, line: string): void
}

/** Names of functions, as infra/functions.ts has them. */
export const namesOf = <N extends FunctionName>(settings: Readonly<Record<N, FunctionSettings>>): N[] =>
  Object.keys(settings).filter((name): name is N => name in settings)

/** A function that is called again within so many seconds stays warm. */
const warmRate = 300

/** Fails with StartError where `npm ci` has not installed AWS's runtime client. */
export const startFunctions = <N extends FunctionName>(options: RunningOptions<N>): RunningFunctions<N> => {
  if (!existsSync(runtimeClient)) throw new StartError('AWS’s runtime client is not installed: run npm ci.')
  const { names, bundles, environment, keeper, onLine } = options
  const running = new Map<FunctionName, LambdaFunction>(
    names.map((name) => {
      const { memory, timeout, trigger }: FunctionSettings = functions[name]
      const lambda = startFunction({
        name,
        bundle: bundles.dir(name),
        memory,
        timeout,
        environment: { ...environment, AWS_ACCESS_KEY_ID: accessKeyOf(name) },
        keeper,
        onLine: (line, instance) => onLine(`${name} ${instance}`, line),
        ...sizeFor(trigger, options),
      })
      return [name, lambda]
    }),
  )
  const forgetBundles = bundles.onRebuilt((name) => running.get(name)?.replace(bundles.dir(name)))
  const all = [...running.values()]
  return {
    get(name) {
      const lambda = running.get(name)
      if (lambda === undefined) throw new Error(`There is no function ${name} in this stack`)
      return lambda
    },
    async ready() {
      await Promise.all(all.map(started))
    },
    async stop() {
      forgetBundles()
      await Promise.all(all.map((lambda) => lambda.stop()))
    },
  }
}

const sizeFor = (
  trigger: FunctionSettings['trigger'],
  { instances, concurrency, freeze }: Pick<RunningOptions<FunctionName>, 'instances' | 'concurrency' | 'freeze'>,
): Pick<FunctionOptions, 'instances' | 'warm' | 'concurrency' | 'freeze'> => {
  switch (trigger.kind) {
    case 'http':
      return { instances, warm: instances, concurrency, freeze }
    case 'stream':
      return { instances: 2, warm: 1, concurrency: 1, freeze: false }
    case 'schedule':
      return { instances: 1, warm: trigger.rate < warmRate ? 1 : 0, concurrency: 1, freeze: false }
    case 'manual':
    case 'deploy':
      return { instances: 1, warm: 0, concurrency: 1, freeze: false }
  }
}

const started = async (lambda: LambdaFunction): Promise<void> => {
  try {
    await lambda.ready()
  } catch (error) {
    throw new StartError(`${lambda.name} cannot start. ${error instanceof Error ? error.message : error}`)
  }
}

/**
 * Resolves when /health answers 200; with what it says else, when the time is over. Where it says that no waiting mends it (a log
 * of another wallet, a list without a unit that has processes), fails with StartError: what cannot do its work should not look as
 * if it were starting.
 * @param environment of the function: where it takes only what carries CDN_SECRET, that is asked with it
 * @param advice a sentence that follows what it says then
 */
export const untilHealthy = async (
  lambda: LambdaFunction,
  { CDN_SECRET = '' }: Readonly<Record<string, string>>,
  withinMs: number,
  advice: string,
): Promise<string | undefined> => {
  // As the CDN asks, of two secrets with the newer one.
  const [secret = ''] = CDN_SECRET.split(',')
  const headers = { 'x-cdn-secret': secret.trim() }
  const probe = await openFunctionUrl({ lambda, onFailure() {} })
  probe.open()
  try {
    const deadline = Date.now() + withinMs
    for (;;) {
      const response = await fetch(`${probe.url}/health`, { headers })
      const said = await response.text()
      if (response.ok) return undefined
      const retryAfter = Number(response.headers.get('retry-after'))
      if (retryAfter * 1000 > withinMs) throw new StartError(`${errorIn(said)}. ${advice}`)
      if (Date.now() > deadline) return `${response.status} ${said}`
      await sleep(200)
    }
  } finally {
    await probe.stop()
  }
}

const errorIn = (said: string): string => {
  try {
    const { error = said } = JSON.parse(said)
    return String(error)
  } catch {
    return said
  }
}
