/** The functions of infra/functions.ts as they run in a stack. */
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FunctionName, type FunctionSettings, functions } from '../infra/functions.ts'
import type { Bundles } from './bundles.ts'
import { type LambdaFunction, startFunction } from './lambda/function.ts'
import { openFunctionUrl } from './lambda/function-url.ts'
import { runtimeClient } from './lambda/instance.ts'
import { StartError } from './options.ts'
import type { Keeper } from './processes/keeper.ts'

export interface RunningFunctions {
  get(name: FunctionName): LambdaFunction
  /** Starts a function again from its new bundle. */
  replace(name: FunctionName): void
  /** Resolves when all that is to be warm is ready; fails with what a function says that cannot start. */
  ready(): Promise<void>
  stop(): Promise<void>
}

export interface RunningOptions {
  bundles: Bundles
  environment: Record<string, string>
  keeper: Keeper
  /** Of the unit. The others are called rarely, and have one request at a time. */
  instances: number
  concurrency: number
  freeze: boolean
  onLine(source: string, line: string): void
}

/** Fails with StartError where `npm ci` has not installed AWS's runtime client. */
export const startFunctions = (options: RunningOptions): RunningFunctions => {
  if (!existsSync(runtimeClient)) throw new StartError('AWS’s runtime client is not installed: run npm ci.')
  const { bundles, environment, keeper, onLine } = options
  const start = (
    name: FunctionName,
    size: { instances: number; warm: number; concurrency?: number; freeze?: boolean },
  ): LambdaFunction => {
    const { memory, timeout }: FunctionSettings = functions[name]
    return startFunction({
      name,
      bundle: bundles.dir(name),
      memory,
      timeout,
      environment,
      keeper,
      concurrency: 1,
      freeze: false,
      onLine: (line, instance) => onLine(`${name} ${instance}`, line),
      ...size,
    })
  }
  const { instances, concurrency, freeze } = options
  const running: Record<FunctionName, LambdaFunction> = {
    su: start('su', { instances, warm: instances, concurrency, freeze }),
    relay: start('relay', { instances: 2, warm: 1 }),
    sweeper: start('sweeper', { instances: 1, warm: 0 }),
    height: start('height', { instances: 1, warm: 1 }),
  }
  const all = Object.values(running)
  const started = async (lambda: LambdaFunction): Promise<void> => {
    try {
      await lambda.ready()
    } catch (error) {
      throw new StartError(`${lambda.name} cannot start. ${error instanceof Error ? error.message : error}`)
    }
  }
  return {
    get: (name) => running[name],
    replace: (name) => running[name].replace(bundles.dir(name)),
    async ready() {
      await Promise.all(all.map(started))
    },
    async stop() {
      await Promise.all(all.map((lambda) => lambda.stop()))
    },
  }
}

/** Resolves when /health answers 200; with what it says else, when the time is over. */
export const untilHealthy = async (lambda: LambdaFunction, withinMs: number): Promise<string | undefined> => {
  const probe = await openFunctionUrl({ lambda, onFailure() {} })
  probe.open()
  try {
    const deadline = Date.now() + withinMs
    for (;;) {
      const response = await fetch(`${probe.url}/health`)
      const said = await response.text()
      if (response.ok) return undefined
      const refusal = refusalFor(said)
      if (refusal !== undefined) throw new StartError(refusal)
      if (Date.now() > deadline) return `${response.status} ${said}`
      await sleep(200)
    }
  } finally {
    await probe.stop()
  }
}

/** What no waiting mends: a log of another wallet. A unit that can schedule nothing should not look as if it were starting. */
const refusalFor = (said: string): string | undefined => {
  try {
    const { code, error } = JSON.parse(said)
    return code === 'foreign-log' ? `${error}. Start it with that wallet, or with another STATE_DIR.` : undefined
  } catch {
    return undefined
  }
}
