/**
 * Placements as a global table keeps them: a replica in each region, which checks conditions by itself, and takes from the
 * others, later and in any order, whatever was written there last.
 */
import type { Clock } from '../../core/ports/clock.ts'
import type { Placement, PlacementStore } from '../../core/ports/placement-store.ts'
import { FakePlacementStore } from './placement-store.ts'

export interface ReplicaOptions {
  clock: Clock
  /** Names of the regions. */
  regions: readonly string[]
  /** A write is in the other regions after up to so long, ms. */
  lagMs: number
  /** From one region to another, one way, ms, at the longest. */
  wayMs: number
}

export class FakeGlobalTable {
  readonly #options: ReplicaOptions
  readonly #replicas = new Map<string, FakePlacementStore>()
  /** When what a region has was written, by region and process. */
  readonly #written = new Map<string, number>()
  #writes = 0

  constructor(options: ReplicaOptions) {
    this.#options = options
    for (const region of options.regions) {
      const replica = new FakePlacementStore()
      replica.onWrite = (placement) => this.#replicate(region, placement)
      this.#replicas.set(region, replica)
    }
  }

  replica(region: string): FakePlacementStore {
    const replica = this.#replicas.get(region)
    if (!replica) throw new Error(`no region ${region}`)
    return replica
  }

  /** The table as somebody in the region `near` sees it who takes `home` for the region to write in. */
  store({ home, near }: { home: string; near: string }): PlacementStore {
    const there = this.replica(home)
    const here = this.replica(near)
    const far = home === near ? 2 : this.#options.wayMs
    const asking = async <T>(ask: () => Promise<T>, ms: number): Promise<T> => {
      await this.#options.clock.sleep(ms * this.#options.clock.random())
      const answer = await ask()
      await this.#options.clock.sleep(ms * this.#options.clock.random())
      return answer
    }
    return {
      read: (process) => asking(() => there.read(process), far),
      glance: (process) => asking(() => here.glance(process), 2),
      place: (placement) => asking(() => there.place(placement), far),
      change: (from, to) => asking(() => there.change(from, to), far),
      counts: () => asking(() => there.counts(), far),
      deadAmong: (units) => asking(() => there.deadAmong(units), far),
      deadSince: (unit) => asking(() => there.deadSince(unit), far),
      declareDead: (unit, at) => asking(() => there.declareDead(unit, at), far),
    }
  }

  #replicate(from: string, placement: Placement): void {
    const { clock, regions, lagMs } = this.#options
    const write = ++this.#writes
    this.#written.set(`${from}/${placement.process}`, write)
    for (const region of regions) {
      if (region === from) continue
      void clock.sleep(lagMs * clock.random()).then(() => {
        const key = `${region}/${placement.process}`
        // The last writer wins, whatever the condition was that it was written on.
        if ((this.#written.get(key) ?? 0) > write) return
        this.#written.set(key, write)
        this.replica(region).overwrite(placement)
      })
    }
  }
}
