/** Time that passes only when nobody has anything to do but wait: hours of retries in milliseconds, the same way twice. */
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../core/ports/clock.ts'

interface Sleeper {
  at: number
  /** Of those who wake at the same time the one who went to sleep first comes first. */
  order: number
  wake: (() => void) | undefined
}

export interface VirtualClockOptions {
  /**
   * Turns of the event loop until everything that can go on without time passing has done so: one where nothing but promises
   * is waited for (a simulation), a few where work is done on other threads (a signature verified).
   */
  turns?: number
  /** Whether something is under way for which time is to stand still, however long it takes: signatures on other threads. */
  busy?: () => boolean
}

export class VirtualClock implements Clock {
  private time: number
  private order = 0
  private readonly sleepers = new Sleepers()
  private readonly chance: () => number
  private readonly turns: number
  private readonly busy: () => boolean

  constructor(start = 1_700_000_000_000, seed = 1, { turns = 3, busy = () => false }: VirtualClockOptions = {}) {
    this.time = start
    this.chance = mulberry32(seed)
    this.turns = turns
    this.busy = busy
  }

  now(): number {
    return Math.floor(this.time)
  }

  random(): number {
    return this.chance()
  }

  /** How many sleep. */
  get sleeping(): number {
    return this.sleepers.count()
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const sleeper: Sleeper = { at: this.time + Math.max(0, ms), order: this.order++, wake: undefined }
      const end = () => {
        sleeper.wake = undefined
        resolve()
      }
      sleeper.wake = () => {
        signal?.removeEventListener('abort', end)
        end()
      }
      signal?.addEventListener('abort', end, { once: true })
      this.sleepers.add(sleeper)
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
      for (let turn = 0; (turn < this.turns || this.busy()) && !done; turn++) await setImmediate()
      if (done) break
      const next = this.sleepers.first()
      if (next) {
        idle = 0
        this.time = Math.max(this.time, next.at)
        next.wake?.()
      } else if (++idle > 1000) throw new Error('nothing is left to wait for, and the work is not done')
    }
    return finished
  }
}

/** A heap: whoever wakes first is on top. Those whose wait was aborted stay in it until it is their turn. */
class Sleepers {
  private readonly heap: Sleeper[] = []

  add(sleeper: Sleeper): void {
    const { heap } = this
    let at = heap.length
    heap.push(sleeper)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent]
      if (!above || isBefore(above, sleeper)) break
      heap[at] = above
      heap[parent] = sleeper
      at = parent
    }
  }

  /** Takes out the one who wakes first. */
  first(): Sleeper | undefined {
    for (;;) {
      const top = this.pop()
      if (!top || top.wake) return top
    }
  }

  count(): number {
    return this.heap.filter(({ wake }) => wake).length
  }

  private pop(): Sleeper | undefined {
    const { heap } = this
    const top = heap[0]
    const last = heap.pop()
    if (!top || !last || top === last) return top
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const [one, two] = [heap[left], heap[left + 1]]
      const child = one && two && isBefore(two, one) ? left + 1 : left
      const below = heap[child]
      if (!below || isBefore(last, below)) break
      heap[at] = below
      at = child
    }
    heap[at] = last
    return top
  }
}

const isBefore = (a: Sleeper, b: Sleeper): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

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
