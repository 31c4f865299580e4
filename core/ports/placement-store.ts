/**
 * Which unit keeps which process. Placements are written in one home region only, conditionally; other regions have replicas of
 * them, which lag. (A DynamoDB global table checks conditions in each region by itself and then lets the last writer win.)
 */
export interface Placement {
  /** 43 characters. */
  process: string
  /** The unit's address: scheme, host and port, no slash at its end. */
  unit: string
  /** `provisional` until its unit has taken the spawn: if that refuses it, it is placed anew. `settled`: moved on purpose only. */
  state: 'provisional' | 'settled'
  /** Units that have refused the spawn. */
  refusedBy: readonly string[]
  /** 1, and one more with each change: a change is made on condition of it. */
  version: number
  /** When it got this unit, ms. */
  at: number
}

export interface PlacementStore {
  /** In the home region, consistently. Undefined: placed nowhere. Fails with `unavailable`, as all of these do. */
  read(process: string): Promise<Placement | undefined>
  /** From the nearest replica: it may be old, or not there yet. */
  glance(process: string): Promise<Placement | undefined>
  /** Writes a process's first placement, unless it has one. Gives the one that stands. */
  place(placement: Placement): Promise<Placement>
  /** From this one to that one, if it is still this one. Gives the one that stands, which is `to` if it was changed. */
  change(from: Placement, to: Placement): Promise<Placement>
  /** How many processes each unit has, by its address, provisional ones too. Exact, but for what is under way. */
  counts(): Promise<ReadonlyMap<string, number>>

  /** Which of these units are declared dead. Read in the home region, consistently. */
  deadAmong(units: readonly string[]): Promise<ReadonlySet<string>>
  /** Since when a unit is declared dead, ms; undefined: it is not. Read in the home region, consistently. */
  deadSince(unit: string): Promise<number | undefined>
  /** Declares it dead, or (undefined) alive. Who declares it twice leaves the first time standing. */
  declareDead(unit: string, at: number | undefined): Promise<void>
}
