/**
 * Places every process that a unit's log holds on that unit: the step from one unit without a router to several. What is placed
 * already is never changed, so it may be done again, and while the unit goes on.
 */
import { pMapIterable } from 'p-map'
import type { Clock } from '../ports/clock.ts'
import type { PlacementStore } from '../ports/placement-store.ts'
import type { UnitStores } from './move-stores.ts'

export interface AdoptDeps {
  placements: Pick<PlacementStore, 'place' | 'change'>
  clock: Pick<Clock, 'now'>
}

export type Adoption =
  | { process: string; kind: 'placed' | 'there' }
  /** It is placed on this other unit, and stays there. */
  | { process: string; kind: 'elsewhere'; unit: string }
  /** A copy that a move brings, or left behind: where the process is to be is not for this log to say. */
  | { process: string; kind: 'copy' }

const AT_ONCE = 16

/** In no order; memory stays flat. Fails with `unavailable`: then it is to be done again. */
export async function* adopt(
  { placements, clock }: AdoptDeps,
  { url, log, relay }: Pick<UnitStores, 'url' | 'log' | 'relay'>,
): AsyncGenerator<Adoption> {
  const take = async ({ process }: { process: string }): Promise<Adoption> => {
    const head = await log.head(process)
    const moving = head?.state !== 'open' && head?.awaits !== undefined
    if (!head || head.state === 'incomplete' || moving) return { process, kind: 'copy' }
    // A head that was opened for a version freezes for later ones only.
    const version = (head.awaits ?? 0) + 1
    const at = clock.now()
    let standing = await placements.place({ process, unit: url, state: 'settled', refusedBy: [], version, at })
    const placed = standing.at === at && standing.version === version
    if (standing.unit === url && standing.state === 'provisional') {
      // The unit has taken the spawn: what is there says so.
      standing = await placements.change(standing, { ...standing, state: 'settled', version: standing.version + 1 })
    }
    if (standing.unit !== url) return { process, kind: 'elsewhere', unit: standing.unit }
    return { process, kind: placed ? 'placed' : 'there' }
  }
  yield* pMapIterable(relay.scan(), take, { concurrency: AT_ONCE, backpressure: AT_ONCE })
}
