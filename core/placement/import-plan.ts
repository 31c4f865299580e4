/** Where each process of another router is to go, and what stands against it: found out before anything is written. */
import { isId } from '../ans104/base64url.ts'
import { SchedulerError } from '../errors.ts'
import type { PlacedElsewhere, PlacementSource } from '../ports/placement-source.ts'

/** From the old units' addresses to the new ones', each as an origin. */
export type UnitMap = ReadonlyMap<string, string>

/** A row of the source that no process can be placed by. */
export interface LeftOut {
  row: number
  process: string
  reason: string
}

export interface Survey {
  processes: number
  /** How many processes each old unit has, by its address as the source has it. */
  units: ReadonlyMap<string, number>
}

/** Of an address what makes it one unit's: scheme, host and port. Undefined where it is no http(s) address. */
export function originOf(address: string): string | undefined {
  const url = URL.parse(address)
  return url !== null && ['http:', 'https:'].includes(url.protocol) && url.hostname !== '' ? url.origin : undefined
}

/** What the row comes to: the unit that gets the process, or why it is left out. */
export function destinationOf(units: UnitMap, { row, process, unit }: PlacedElsewhere): { unit: string } | LeftOut {
  if (!isId(process)) return { row, process, reason: 'it is no id of a process' }
  if (unit === undefined) return { row, process, reason: 'its unit is not in the table of units' }
  const destination = units.get(originOf(unit) ?? '')
  return destination === undefined
    ? { row, process, reason: `its unit ${unit} is not in the map` }
    : { unit: destination }
}

/**
 * Reads the source from a row on and holds it against the map and the router's list of units. Fails with `invalid-request`, a
 * sentence for each address that has no place to go; rows that are wrong for themselves are given to `onLeftOut`.
 *
 * @param plan.listed addresses of the router's units
 * @param plan.inTime asked after each batch; false ends it with `unavailable`
 */
export async function survey(
  source: PlacementSource,
  plan: {
    units: UnitMap
    listed: ReadonlySet<string>
    after: number
    inTime(): boolean
    onLeftOut(row: LeftOut): void
  },
): Promise<Survey> {
  const problems = [...new Set(plan.units.values())].flatMap((unit) =>
    plan.listed.has(unit) ? [] : [`${unit} is not in the router's list of units`],
  )
  const counts = new Map<string, number>()
  let processes = 0
  for await (const batch of source.after(plan.after)) {
    for (const placed of batch) {
      processes++
      if (placed.unit !== undefined && isId(placed.process)) {
        counts.set(placed.unit, (counts.get(placed.unit) ?? 0) + 1)
        continue
      }
      const destination = destinationOf(plan.units, placed)
      if ('reason' in destination) plan.onLeftOut(destination)
    }
    if (!plan.inTime()) throw new SchedulerError('unavailable', 'There is not time enough to look through the source.')
  }
  for (const [unit, count] of counts) {
    if (plan.units.has(originOf(unit) ?? '')) continue
    problems.push(`${unit} has ${count === 1 ? 'one process' : `${count} processes`}, and is not in the map`)
  }
  if (problems.length > 0) {
    throw new SchedulerError('invalid-request', `Nothing was brought in: ${problems.join('; ')}.`)
  }
  return { processes, units: counts }
}
