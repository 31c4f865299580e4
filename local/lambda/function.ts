/** A function with its instances: gives each request to a free one, lets it wait where there is none, and replaces what dies. */
import { randomUUID } from 'node:crypto'
import { Instance, type InstanceOptions } from './instance.ts'
import { failed, type Invocation, type Outcome } from './invocation.ts'

export interface FunctionOptions extends Omit<InstanceOptions, 'onLine' | 'onChange'> {
  /** Instances at most. */
  instances: number
  /** How many of them are kept ready; the others start when they are needed. */
  warm: number
  onLine(line: string, instance: string): void
}

export interface LambdaFunction {
  readonly name: string
  /**
   * Calls it with an event. Where no instance is free the call waits for one, up to the function's time-out: an account on AWS has room for
   * a thousand instances and would start another, which this machine cannot.
   * @param abandoned ends the waiting (a call that runs goes on, as on Lambda)
   */
  invoke(event: string, abandoned?: AbortSignal): Promise<Outcome>
  /** Resolves when the warm instances are ready; fails with what one of them says while it starts. */
  ready(): Promise<void>
  /** Process ids of its instances. */
  pids(): number[]
  /** Starts again from a new bundle. What runs is finished by the old instances. */
  replace(bundle: string): void
  stop(): Promise<void>
}

/** An instance that died before it was ready is not replaced at once, ms: it would most likely die again. */
const retryMs = 1_000
/** An instance beyond the warm ones ends after this long without work, ms. */
const idleMs = 300_000

export const startFunction = (options: FunctionOptions): LambdaFunction => {
  let { bundle } = options
  let stopped = false
  let instances: Instance[] = []
  const waiting: (Invocation & { expiry: NodeJS.Timeout })[] = []
  const lastUsed = new Map<Instance, number>()

  const add = (): void => {
    const instance: Instance = new Instance({
      ...options,
      bundle,
      onLine: (line) => options.onLine(line, instance.id),
      onChange: () => change(),
    })
    lastUsed.set(instance, Date.now())
    instances.push(instance)
  }

  let holdUntil = 0
  let lastFailure: string | undefined
  let wasReady = false
  const startFailed = (message: string): void => {
    holdUntil = Date.now() + retryMs
    // At the start `ready` tells it; later on each instance says the same, and says it again.
    if (wasReady && message !== lastFailure) options.onLine(message, 'start')
    lastFailure = message
    // Nobody is left who could answer: waiting longer would not help.
    if (instances.length === 0) {
      for (const { settle, expiry } of waiting.splice(0)) {
        clearTimeout(expiry)
        settle(failed('Runtime.InitError', message))
      }
    }
    setTimeout(change, retryMs + 10).unref()
  }

  const keepWarm = (): void => {
    if (stopped || Date.now() < holdUntil) return
    while (instances.length < options.warm) add()
  }

  const change = (): void => {
    const dead = instances.filter(({ alive }) => !alive)
    instances = instances.filter(({ alive }) => alive)
    for (const instance of dead) {
      lastUsed.delete(instance)
      if (instance.startFailure !== undefined && !stopped) startFailed(instance.startFailure)
    }
    if (stopped) return
    keepWarm()
    while (waiting.length > 0) {
      const free = instances.filter((instance) => instance.free)
      if (free.length === 0) break
      const instance = free.reduce((best, one) => (one.active < best.active ? one : best))
      const invocation = waiting.shift()
      if (!invocation) break
      clearTimeout(invocation.expiry)
      lastUsed.set(instance, Date.now())
      instance.run(invocation)
    }
    const starting = instances.filter((instance) => instance.starting).length
    if (waiting.length > starting && instances.length < options.instances && Date.now() >= holdUntil) add()
  }

  const endIdle = setInterval(() => {
    const idle = instances.filter(
      (instance) => instance.active === 0 && Date.now() - (lastUsed.get(instance) ?? 0) > idleMs,
    )
    for (const instance of idle.slice(0, Math.max(0, instances.length - options.warm))) instance.retire()
  }, idleMs / 5).unref()

  keepWarm()

  return {
    name: options.name,
    invoke: (event, abandoned) =>
      new Promise((resolve) => {
        if (stopped) {
          resolve(failed('Runtime.Stopped', 'The function is stopped'))
          return
        }
        const leave = (): void => {
          const index = waiting.indexOf(invocation)
          if (index < 0) return
          waiting.splice(index, 1)
          clearTimeout(invocation.expiry)
          resolve({ kind: 'throttled' })
        }
        const invocation = {
          id: randomUUID(),
          event,
          settle: resolve,
          expiry: setTimeout(leave, options.timeout * 1000),
        }
        waiting.push(invocation)
        abandoned?.addEventListener('abort', leave, { once: true })
        change()
      }),
    async ready() {
      await Promise.all(instances.map((instance) => instance.ready))
      wasReady = true
    },
    pids: () => instances.flatMap(({ pid }) => pid ?? []),
    replace(newBundle) {
      bundle = newBundle
      const old = instances
      instances = []
      holdUntil = 0
      lastFailure = undefined
      keepWarm()
      for (const instance of old) instance.retire()
      change()
    },
    async stop() {
      stopped = true
      clearInterval(endIdle)
      for (const { settle, expiry } of waiting.splice(0)) {
        clearTimeout(expiry)
        settle(failed('Runtime.Stopped', 'The function is stopped'))
      }
      await Promise.all(instances.map((instance) => instance.kill()))
    },
  }
}
