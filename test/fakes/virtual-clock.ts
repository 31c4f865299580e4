/** Time that passes only when nobody has anything to do but wait: hours of retries in milliseconds, the same way twice. */
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../core/ports/clock.ts'

export class VirtualClock implements Clock {
  private time: number
  private sleepers: { at: number; wake: () => void }[] = []
  private readonly chance: () => number

  constructor(start = 1_700_000_000_000, seed = 1) {
    this.time = start
    this.chance = mulberry32(seed)
  }

  now(): number {
    return Math.floor(this.time)
  }

  random(): number {
    return this.chance()
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const sleeper = { at: this.time + Math.max(0, ms), wake: resolve }
      this.sleepers.push(sleeper)
      signal?.addEventListener('abort', () => {
        this.sleepers = this.sleepers.filter((other) => other !== sleeper)
        resolve()
      })
    })
  }

  /** Lets time pass until `work` is done. Fails when nothing is left to wait for and it still is not. */
  async run<T>(work: Promise<T>): Promise<T> {
    let done = false
    const finished = work.finally(() => {
      done = true
    })
    finished.catch(() => undefined)
    for (let idle = 0; !done; ) {
      // A few turns of the event loop, so that everything that can go on without time passing has done so.
      for (let turn = 0; turn < 3 && !done; turn++) await setImmediate()
      if (done) break
      const next = this.sleepers.reduce<{ at: number; wake: () => void } | undefined>(
        (first, sleeper) => (first && first.at <= sleeper.at ? first : sleeper),
        undefined,
      )
      if (next) {
        idle = 0
        this.sleepers = this.sleepers.filter((sleeper) => sleeper !== next)
        this.time = Math.max(this.time, next.at)
        next.wake()
      } else if (++idle > 1000) throw new Error('nothing is left to wait for, and the work is not done')
    }
    return finished
  }
}

/** A small seeded generator of numbers in [0, 1). */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
