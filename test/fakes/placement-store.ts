/** Placements in memory: every condition of the port, each operation atomic, with hooks for faults. */
import { SchedulerError } from '../../core/errors.ts'
import type { Placement, PlacementStore } from '../../core/ports/placement-store.ts'
import { type Faults, faulty } from './faults.ts'

export type PlacementOperation = keyof PlacementStore

const copy = (placement: Placement): Placement => ({ ...placement, refusedBy: [...placement.refusedBy] })

export class FakePlacementStore implements PlacementStore {
  faults: Faults<PlacementOperation> = {}
  /** What is told of each write of a placement. */
  onWrite: (placement: Placement) => void = () => {}
  readonly #placements = new Map<string, Placement>()
  readonly #dead = new Map<string, number>()

  async read(process: string): Promise<Placement | undefined> {
    return faulty(this.faults, 'read', [process], () => this.#get(process))
  }

  async glance(process: string): Promise<Placement | undefined> {
    return faulty(this.faults, 'glance', [process], () => this.#get(process))
  }

  async place(placement: Placement): Promise<Placement> {
    return faulty(this.faults, 'place', [placement], () => this.#get(placement.process) ?? this.#write(placement))
  }

  async change(from: Placement, to: Placement): Promise<Placement> {
    return faulty(this.faults, 'change', [from, to], () => {
      const standing = this.#get(from.process)
      if (standing === undefined) throw new SchedulerError('unavailable', 'The placement is gone')
      return standing.version === from.version ? this.#write(to) : standing
    })
  }

  async counts(): Promise<ReadonlyMap<string, number>> {
    return faulty(this.faults, 'counts', [], () => this.counted())
  }

  async deadAmong(units: readonly string[]): Promise<ReadonlySet<string>> {
    return faulty(this.faults, 'deadAmong', [units], () => new Set(units.filter((unit) => this.#dead.has(unit))))
  }

  async deadSince(unit: string): Promise<number | undefined> {
    return faulty(this.faults, 'deadSince', [unit], () => this.#dead.get(unit))
  }

  async declareDead(unit: string, at: number | undefined): Promise<void> {
    await faulty(this.faults, 'declareDead', [unit, at], () => {
      if (at === undefined) this.#dead.delete(unit)
      else if (!this.#dead.has(unit)) this.#dead.set(unit, at)
    })
  }

  /** What stands, whatever faults are in the way. */
  standing(process: string): Placement | undefined {
    return this.#get(process)
  }

  counted(): Map<string, number> {
    const counts = new Map<string, number>()
    for (const { unit } of this.#placements.values()) counts.set(unit, (counts.get(unit) ?? 0) + 1)
    return counts
  }

  /** Puts a placement there without any condition, and tells nobody. */
  overwrite(placement: Placement): void {
    this.#placements.set(placement.process, copy(placement))
  }

  /** Loses a placement, as no store should. */
  forget(process: string): void {
    this.#placements.delete(process)
  }

  #get(process: string): Placement | undefined {
    const placement = this.#placements.get(process)
    return placement && copy(placement)
  }

  #write(placement: Placement): Placement {
    this.overwrite(placement)
    this.onWrite(copy(placement))
    return copy(placement)
  }
}
