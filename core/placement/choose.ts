/** Which unit gets a new process (contract, "Router"): from the list and from how many each has, asking nobody. */
import { hash } from 'node:crypto'
import type { UnitSettings } from './units.ts'

export interface Candidates {
  /** Those among which the number of processes decides; none where no unit takes the process. */
  units: readonly UnitSettings[]
  /** Whose refusal still counts. */
  refusedBy: readonly string[]
}

/**
 * The units that may get a process of this owner: the first one that is pinned to its wallet alone, else all that take any. A
 * dead unit gets none. Units that have refused this spawn are left out unless no other one is left: then all are asked again,
 * since the reason of their refusal may be over.
 */
export function candidates(
  units: readonly UnitSettings[],
  owner: string,
  refusedBy: readonly string[],
  dead: ReadonlySet<string>,
): Candidates {
  const eligible = units.filter(
    (unit) => unit.routed && !dead.has(unit.url) && (unit.wallets.has(owner) || !unit.walletsOnly),
  )
  const willing = eligible.filter((unit) => !refusedBy.includes(unit.url))
  const left = willing.length > 0 ? willing : eligible
  const pinned = left.find((unit) => unit.wallets.has(owner))
  return { units: pinned ? [pinned] : left, refusedBy: willing.length > 0 ? refusedBy : [] }
}

/**
 * The one with the fewest processes. Of equals a hash decides, so that routers that choose at the same time by the same
 * counts do not all choose the same one for their several processes.
 * @param processes how many a unit has
 */
export function fewest(
  units: readonly UnitSettings[],
  process: string,
  processes: (url: string) => number,
): string | undefined {
  const ranked = units.map(({ url }) => ({ url, has: processes(url), rank: hash('sha256', `${process} ${url}`) }))
  const [first] = ranked.sort((a, b) => a.has - b.has || (a.rank < b.rank ? -1 : 1))
  return first?.url
}
