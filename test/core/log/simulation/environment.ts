/** One instance of the unit as its platform treats it: frozen between requests, stalled now and then, killed at any moment. */
import type { Signer } from '../../../../core/ans104/signer.ts'
import type { Clock } from '../../../../core/ports/clock.ts'
import type { VirtualClock } from '../../../fakes/virtual-clock.ts'

const never = new Promise<never>(() => undefined)

/** Time as an instance sees it: nothing of it goes on while it is stopped, and what it waited for comes when it goes on. */
export class Environment implements Clock {
  crashed = false
  /** Called at each step that it makes. */
  onStep: () => void = () => undefined
  /** How far its clock is off, ms. */
  readonly skew: number
  private readonly world: VirtualClock
  /** Frozen by its platform, having no request. */
  private isFrozen = false
  private isStalled = false
  private waiters: (() => void)[] = []
  /** Its processor: one signature at a time. */
  private processor: Promise<void> = Promise.resolve()

  constructor(world: VirtualClock, skew = 0) {
    this.world = world
    this.skew = skew
  }

  now(): number {
    return this.world.now() + this.skew
  }

  random(): number {
    return this.world.random()
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await this.world.sleep(ms, signal)
    if (!this.crashed) this.onStep()
    await this.awake()
  }

  /** Resolves as soon as the instance runs; never once it is dead. */
  async awake(): Promise<void> {
    while ((this.isFrozen || this.isStalled) && !this.crashed) {
      await new Promise<void>((resolve) => this.waiters.push(resolve))
    }
    if (this.crashed) await never
  }

  /** Time that its only processor is busy. */
  async compute(ms: number): Promise<void> {
    this.processor = this.processor.then(() => this.sleep(ms))
    await this.processor
  }

  freeze(): void {
    this.isFrozen = true
  }

  thaw(): void {
    this.isFrozen = false
    this.wake()
  }

  /** A long pause between two steps, for whatever reason. */
  stall(): void {
    this.isStalled = true
  }

  resume(): void {
    this.isStalled = false
    this.wake()
  }

  crash(): void {
    this.crashed = true
    this.wake()
  }

  private wake(): void {
    for (const wake of this.waiters.splice(0)) wake()
  }
}

/** The wallet in this instance: each signature takes its time of the processor. */
export const slowSigner = (signer: Signer, environment: Environment, ms: number): Signer => ({
  owner: signer.owner,
  address: signer.address,
  async sign(item) {
    await environment.compute(ms)
    return signer.sign(item)
  },
})
