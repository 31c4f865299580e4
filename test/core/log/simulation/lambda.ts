/**
 * Lambda as requests see it: each goes to an instance that has a place free, or to a new one that has to start first; an
 * instance is frozen while it has no request, and is not free before what follows the answer is done.
 */
import type { Signer } from '../../../../core/ans104/signer.ts'
import type { Place } from '../../../../core/errors.ts'
import type { Entry } from '../../../../core/log/entry.ts'
import { Sequencer } from '../../../../core/log/sequencer.ts'
import type { LogStore } from '../../../../core/ports/log-store.ts'
import type { Meter } from '../../../../core/ports/meter.ts'
import type { SubmissionQueue } from '../../../../core/ports/submission-queue.ts'
import type { VirtualClock } from '../../../fakes/virtual-clock.ts'
import { Environment, slowSigner } from './environment.ts'

/** What an instance runs: the unit's sequencer, or that of another version. */
export type Unit = Pick<Sequencer, 'schedule' | 'idle'>

export interface LambdaOptions {
  clock: VirtualClock
  signer: Signer
  meter: Meter
  /** What a new instance sees of the store. */
  connect(environment: Environment): { store: LogStore; submissionQueue: SubmissionQueue }
  /** Requests that an instance serves at once. */
  concurrency?: number
  /** Instances at most; more requests wait. */
  instances?: number
  /** How long a new one takes to start, ms. */
  coldStart?: number
  signature?: number
  skew?(): number
  /** The network's height as a new instance hears of it, or does not. */
  height?(): () => number | undefined
  /** Another version of the unit, for the n-th instance. */
  unit?(parts: UnitParts, index: number): Unit
}

export interface UnitParts {
  store: LogStore
  submissionQueue: SubmissionQueue
  clock: Environment
  signer: Signer
  meter: Meter
  height: () => number | undefined
}

export interface RequestOptions {
  /** So long after it reached an instance it must have its answer, ms. */
  patience?: number
  onArrival?(instance: Instance): void
}

export interface Instance {
  environment: Environment
  unit: Unit
  /** Requests that are on it now. */
  requests: number
}

export const currentUnit = (parts: UnitParts): Unit => new Sequencer({ ...parts, rememberedHeads: 100 })

export class Lambda {
  readonly instances: Instance[] = []
  private readonly options: LambdaOptions
  private readonly free: Instance[] = []
  private readonly queue: ((instance: Instance) => void)[] = []
  /** Answers after which something is still done. */
  private readonly after = new Set<Promise<void>>()
  started = 0

  constructor(options: LambdaOptions) {
    this.options = options
  }

  async request(entry: Entry, { patience = 20_000, onArrival }: RequestOptions = {}): Promise<Place> {
    const { clock } = this.options
    await clock.sleep(1)
    const instance = await this.place()
    const { environment, unit } = instance
    environment.thaw()
    onArrival?.(instance)
    const answer = unit.schedule(entry, environment.now() + patience)
    const ended = answer
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => unit.idle())
      .then(() => this.release(instance))
      .finally(() => this.after.delete(ended))
    this.after.add(ended)
    try {
      return await answer
    } finally {
      await clock.sleep(1)
    }
  }

  /** Resolves when nothing is done any more. */
  async idle(): Promise<void> {
    while (this.after.size > 0) await Promise.all(this.after)
  }

  /** Its requests are never answered, and no further one goes to it. */
  crash(instance: Instance): void {
    instance.environment.crash()
    this.instances.splice(this.instances.indexOf(instance), 1)
    const free = this.free.indexOf(instance)
    if (free >= 0) this.free.splice(free, 1)
  }

  private async place(): Promise<Instance> {
    const { instances = Number.POSITIVE_INFINITY, concurrency = 1, coldStart = 300, clock } = this.options
    // Whoever was used last is warm, and stays in use.
    const free = this.free.at(-1)
    if (free) {
      if (++free.requests === concurrency) this.free.pop()
      return free
    }
    if (this.started < instances) {
      const instance = this.start()
      if (++instance.requests < concurrency) this.free.push(instance)
      await clock.sleep(coldStart)
      return instance
    }
    return await new Promise((resolve) => this.queue.push(resolve))
  }

  private start(): Instance {
    const { clock, signer, meter, connect, signature = 1.7, skew, height, unit = currentUnit } = this.options
    const environment = new Environment(clock, skew?.())
    const parts = {
      ...connect(environment),
      clock: environment,
      signer: slowSigner(signer, environment, signature),
      meter,
      height: height?.() ?? (() => 1_234_567),
    }
    const instance = { environment, unit: unit(parts, this.started++), requests: 0 }
    this.instances.push(instance)
    return instance
  }

  private release(instance: Instance): void {
    if (instance.environment.crashed) return
    const next = this.queue.shift()
    if (next) next(instance)
    else if (instance.requests-- === (this.options.concurrency ?? 1)) this.free.push(instance)
    if (instance.requests === 0) instance.environment.freeze()
  }
}
