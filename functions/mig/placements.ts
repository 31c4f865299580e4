/** Brings in a Rust router's placements: looks through all of them, then places them, until it is done or has to stop. */
import { hasCode } from '../../core/errors.ts'
import { type Conflict, importPlacements } from '../../core/placement/import.ts'
import { type LeftOut, originOf, survey } from '../../core/placement/import-plan.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { PlacementSource } from '../../core/ports/placement-source.ts'
import type { PlacementStore } from '../../core/ports/placement-store.ts'
import type { PlacementsOrder } from './placements-event.ts'

export interface PlacementsParts {
  store: Pick<PlacementStore, 'read' | 'place' | 'change'>
  /** Addresses of the router's units. */
  listed: ReadonlySet<string>
  /** @param address of a Rust router's Postgres */
  open(address: string): PlacementSource & { close(): Promise<void> }
  clock: Clock
}

export interface PlacementsLimits {
  /** When it is to have stopped, ms. */
  deadline: number
  /** So many processes may be named in the answer, a batch more or less. */
  named: number
}

/** What is said while it works. */
export interface PlacementsWatcher {
  /** Before anything is written: rows that no process can be placed by. */
  onLeftOut(row: LeftOut): void
  /** All that is known by now, after the look through the source and after each batch. */
  onProgress(answer: Readonly<PlacementsAnswer>): void
}

export interface PlacementsAnswer {
  /** Everything that the source had was looked at: also what is in `conflicts` and `leftOut`. */
  done: boolean
  /** The last row that is done: where to go on (`after`). */
  after: number
  /** Why it stopped before it was done. */
  stopped?: string
  /** Nothing was written: `placed` is what would be. */
  dryRun: boolean
  /** Rows of the source from where it began. */
  processes: number
  units: { from: string; to: string; processes: number }[]
  placed: number
  /** Stood where they were to be already. */
  there: number
  /** Stand elsewhere, and were left alone. */
  conflicts: Conflict[]
  leftOut: LeftOut[]
}

/** Fails with `invalid-request`, before anything is written, where source, map and list do not fit; else says how far it got. */
export async function bringInPlacements(
  parts: PlacementsParts,
  order: PlacementsOrder,
  limits: PlacementsLimits,
  watcher: PlacementsWatcher,
): Promise<PlacementsAnswer> {
  const source = parts.open(order.from.reveal())
  try {
    const answer = await lookThrough(parts, source, order, limits, watcher)
    watcher.onProgress(answer)
    const stopped = await place(parts, source, order, limits, answer, watcher)
    return stopped === undefined ? { ...answer, done: true } : { ...answer, stopped }
  } finally {
    await source.close()
  }
}

/** The answer before anything is done. */
async function lookThrough(
  { listed, clock }: PlacementsParts,
  source: PlacementSource,
  { units, after, dryRun }: PlacementsOrder,
  { deadline }: PlacementsLimits,
  { onLeftOut }: PlacementsWatcher,
): Promise<PlacementsAnswer> {
  const inTime = () => clock.now() < deadline
  const found = await survey(source, { units, listed, after, inTime, onLeftOut })
  const placed = [...found.units].map(([from, processes]) => ({
    from,
    to: units.get(originOf(from) ?? '') ?? '',
    processes,
  }))
  return {
    done: false,
    after,
    dryRun,
    processes: found.processes,
    units: placed,
    placed: 0,
    there: 0,
    conflicts: [],
    leftOut: [],
  }
}

/** Adds to the answer batch by batch. Gives why it stopped early, if it did. */
async function place(
  { store, clock }: PlacementsParts,
  source: PlacementSource,
  { units, after, dryRun }: PlacementsOrder,
  { deadline, named }: PlacementsLimits,
  answer: PlacementsAnswer,
  { onProgress }: PlacementsWatcher,
): Promise<string | undefined> {
  try {
    for await (const batch of importPlacements({ source, store, clock }, { units, dryRun, after, deadline })) {
      answer.after = batch.row
      answer.placed += batch.placed
      answer.there += batch.there
      answer.conflicts.push(...batch.conflicts)
      answer.leftOut.push(...batch.leftOut)
      onProgress(answer)
      if (clock.now() >= deadline) return 'The time of this invocation is over.'
      if (answer.conflicts.length + answer.leftOut.length >= named)
        return 'The answer names as many processes as it may.'
    }
    return undefined
  } catch (error) {
    if (hasCode(error, 'unavailable')) return error.message
    throw error
  }
}
