/** Which unit a process belongs to, and where a new one goes: the router's whole knowledge (contract, "Router"). */
import { LRUCache } from 'lru-cache'
import { idBytes, isId } from '../ans104/base64url.ts'
import { SchedulerError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Placement, PlacementStore } from '../ports/placement-store.ts'
import { candidates, fewest } from './choose.ts'
import { Shared } from './shared.ts'
import { Tally } from './tally.ts'
import type { UnitSettings } from './units.ts'

/** How long an instance goes on with a placement that does not change by itself, ms: so long a move may go unnoticed. */
const REMEMBERED_MS = 60_000
/** A placement is made anew after a refusal only, so whoever loses so often meets units that refuse as fast as it chooses. */
const TRIES = 5

export interface PlacementsOptions {
  store: PlacementStore
  /** The list, in its order. */
  units: readonly UnitSettings[]
  clock: Clock
  /** How many processes an instance remembers. */
  rememberedProcesses?: number
}

/** A unit that is left out of the list, and that processes are placed on. */
export interface LeftOutUnit {
  url: string
  processes: number
}

export class Placements {
  private readonly store: PlacementStore
  private readonly units: readonly UnitSettings[]
  private readonly clock: Clock
  private readonly tally: Tally
  /** Units of settled placements; of others nothing is remembered. */
  private readonly settled: LRUCache<string, string>
  private readonly glances = new Shared<string | undefined>()
  private readonly reads = new Shared<Placement | undefined>()
  private readonly spawns = new Shared<string>()

  constructor({ store, units, clock, rememberedProcesses = 20_000 }: PlacementsOptions) {
    this.store = store
    this.units = units
    this.clock = clock
    this.tally = new Tally(
      store,
      units.map(({ url }) => url),
    )
    this.settled = new LRUCache({ max: rememberedProcesses, ttl: REMEMBERED_MS, ttlResolution: 0, perf: clock })
  }

  /**
   * Address of the unit that a spawn belongs to: the one that it is placed on, else the one that it is placed on now, which
   * stands in the home region before this returns. The item has been verified.
   * @param owner address of its owner
   * Fails with `unavailable`, also where no unit takes the process.
   */
  async place(process: string, owner: string): Promise<string> {
    idBytes(process)
    return this.settled.get(process) ?? (await this.spawns.join(process, () => this.placeNow(process, owner)))
  }

  /** Address of the unit that a process is placed on; undefined where it is placed nowhere. Fails with `unavailable`. */
  async unitOf(process: string): Promise<string | undefined> {
    if (!isId(process)) return undefined
    // Begun before this was asked: what it finds settled is so, anything else may be over by now.
    const older = this.reads.underWay(process)
    const known = this.settled.get(process) ?? (await this.glances.join(process, () => this.glance(process)))
    if (known !== undefined) return known
    const seen = await older
    const placement = seen?.state === 'settled' ? seen : await this.reads.join(process, () => this.store.read(process))
    return this.remember(placement)?.unit
  }

  /** Units that keep processes and are not in the list: a list must name them, if only with `no_route`. Fails with `unavailable`. */
  async leftOut(): Promise<LeftOutUnit[]> {
    const listed = new Set(this.units.map(({ url }) => url))
    return [...(await this.store.counts())]
      .filter(([url, processes]) => processes > 0 && !listed.has(url))
      .map(([url, processes]) => ({ url, processes }))
  }

  private async placeNow(process: string, owner: string): Promise<string> {
    let standing = this.remember(await this.store.read(process))
    for (let tries = 0; tries <= TRIES; tries++) {
      if (standing && !(await this.isRefused(standing, tries > 0))) return standing.unit
      if (tries < TRIES) standing = this.remember(await this.choose(process, owner, standing))
    }
    throw new SchedulerError('unavailable', 'The units refuse this process as fast as it is placed', { retryAfter: 2 })
  }

  /** Chooses a unit, and gives the placement that stands then: another router may have been first. */
  private async choose(process: string, owner: string, before: Placement | undefined): Promise<Placement> {
    const { processes, dead } = await this.tally.read()
    const { units, refusedBy } = candidates(this.units, owner, before?.refusedBy ?? [], dead)
    const unit = fewest(units, process, processes)
    if (unit === undefined) {
      throw new SchedulerError('unavailable', 'No unit takes new processes now', { retryAfter: 60 })
    }
    const version = (before?.version ?? 0) + 1
    const chosen: Placement = { process, unit, state: 'provisional', refusedBy, version, at: this.clock.now() }
    return await this.tally.during(unit, () => (before ? this.store.change(before, chosen) : this.store.place(chosen)))
  }

  /** What the own region knows settled: a replica may lag, but a settled placement is changed on purpose only. */
  private async glance(process: string): Promise<string | undefined> {
    try {
      const seen = await this.store.glance(process)
      return seen?.state === 'settled' ? this.remember(seen)?.unit : undefined
    } catch (error) {
      // The home region knows better anyway.
      if (error instanceof SchedulerError) return undefined
      throw error
    }
  }

  private remember<P extends Placement | undefined>(placement: P): P {
    if (placement?.state === 'settled') this.settled.set(placement.process, placement.unit)
    return placement
  }

  /**
   * Whether the process must be placed again: a provisional placement whose unit has refused the spawn, or is dead and so can
   * neither take nor refuse it. A unit that claims it at this moment changes the placement first, or is too late.
   * @param chosen it was chosen a moment ago, from units that are alive
   */
  private async isRefused({ state, unit, refusedBy }: Placement, chosen: boolean): Promise<boolean> {
    if (state === 'settled') return false
    return refusedBy.includes(unit) || (!chosen && (await this.store.deadSince(unit)) !== undefined)
  }
}
