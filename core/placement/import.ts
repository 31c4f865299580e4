/**
 * Brings in what another router has placed. Every process gets the unit that the map gives, unless it has one already: what stands
 * is never moved. So it may be done again, from the beginning or from any row, by several at once, and while the router serves.
 */
import pMap from 'p-map'
import { hasCode, SchedulerError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { PlacedElsewhere, PlacementSource } from '../ports/placement-source.ts'
import type { Placement, PlacementStore } from '../ports/placement-store.ts'
import { backOff } from '../relay/backoff.ts'
import { destinationOf, type LeftOut, type UnitMap } from './import-plan.ts'

export interface ImportDeps {
  source: PlacementSource
  store: Pick<PlacementStore, 'read' | 'place' | 'change'>
  clock: Clock
}

export interface ImportOrder {
  units: UnitMap
  /** The row after which it begins; 0: with the first. */
  after: number
  /** Looks only, and says what would be done. */
  dryRun: boolean
  /** After this no trouble is borne with, ms. When no more batches are to be begun is the caller's to say. */
  deadline: number
}

/** A process that stands at another unit than the source and the map would have it at. */
export interface Conflict {
  process: string
  /** Where it stands. */
  stands: string
  /** Where it was to be placed. */
  wanted: string
}

/** What became of a batch; in a dry run, what would become of it. */
export interface ImportedBatch {
  /** The last row of it: everything up to it is done. */
  row: number
  placed: number
  /** Stood at the same unit already. */
  there: number
  conflicts: Conflict[]
  leftOut: LeftOut[]
}

type Outcome =
  | { kind: 'placed' }
  | { kind: 'there' }
  | { kind: 'conflict'; conflict: Conflict }
  | { kind: 'left out'; row: LeftOut }

/** Rows under way at once: enough to hide the distance to the store, few enough that its counters are not in each other's way. */
const AT_ONCE = 16
/** How long trouble of the store is borne with, for each process, ms. */
const PATIENCE_MS = 30_000

/**
 * Works a batch each time the caller asks for one, so the caller decides where it stops. Fails with `unavailable` where source or
 * store are away for longer; what was given until then is done.
 */
export async function* importPlacements(deps: ImportDeps, order: ImportOrder): AsyncGenerator<ImportedBatch> {
  for await (const rows of deps.source.after(order.after)) {
    const batch: ImportedBatch = { row: order.after, placed: 0, there: 0, conflicts: [], leftOut: [] }
    for (const outcome of await pMap(rows, (row) => bringIn(deps, order, row), { concurrency: AT_ONCE })) {
      if (outcome.kind === 'conflict') batch.conflicts.push(outcome.conflict)
      else if (outcome.kind === 'left out') batch.leftOut.push(outcome.row)
      else batch[outcome.kind]++
    }
    yield { ...batch, row: rows.at(-1)?.row ?? batch.row }
  }
}

async function bringIn(deps: ImportDeps, order: ImportOrder, row: PlacedElsewhere): Promise<Outcome> {
  const destination = destinationOf(order.units, row)
  if ('reason' in destination) return { kind: 'left out', row: destination }
  const { process } = row
  const { unit } = destination
  // Settled: the unit of the other router has taken the spawn long ago.
  const wanted: Placement = { process, unit, state: 'settled', refusedBy: [], version: 1, at: deps.clock.now() }
  return bearingWithTrouble(deps.clock, order.deadline, () => settle(deps.store, wanted, order.dryRun))
}

async function settle(store: ImportDeps['store'], wanted: Placement, dryRun: boolean): Promise<Outcome> {
  // Read first: to find all of it there again costs reads, and no transactions that fail.
  const found = await store.read(wanted.process)
  if (found === undefined && dryRun) return { kind: 'placed' }
  const stands = found ?? (await store.place(wanted))
  if (stands.unit !== wanted.unit) {
    return { kind: 'conflict', conflict: { process: wanted.process, stands: stands.unit, wanted: wanted.unit } }
  }
  if (stands.state === 'provisional' && !dryRun) {
    // Placed here by somebody who spawns it again: now it is certain that its unit has it.
    const settled = await store.change(stands, { ...stands, state: 'settled', version: stands.version + 1 })
    if (settled.state === 'provisional' || settled.unit !== wanted.unit) {
      throw new SchedulerError('unavailable', `The placement of ${wanted.process} is being changed by another.`)
    }
  }
  return { kind: found === undefined ? 'placed' : 'there' }
}

/** The store may be away for a moment in a run that takes minutes: that ends nothing. */
async function bearingWithTrouble<T>(clock: Clock, deadline: number, work: () => Promise<T>): Promise<T> {
  const until = Math.min(deadline, clock.now() + PATIENCE_MS)
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!hasCode(error, 'unavailable') || !(await backOff(clock, attempt, until))) throw error
    }
  }
}
