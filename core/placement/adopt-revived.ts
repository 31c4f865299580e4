/**
 * Takes a unit back that was declared dead: what was moved away from it without access to its log still has an open head there,
 * and must be frozen before the unit schedules again.
 */
import { pMapIterable } from 'p-map'
import type { PlacementStore } from '../ports/placement-store.ts'
import { refusal, type UnitStores } from './move-stores.ts'

export interface Revived {
  unit: string
  /** Processes that its log holds, and those of them that were moved away and are frozen now. */
  processes: number
  frozen: number
}

const AT_ONCE = 16

/**
 * Nothing may be moved away from the unit meanwhile. Fails with `invalid-request` where a head cannot be frozen, and with
 * `unavailable`: the unit stays dead then.
 */
export async function revive(
  placements: Pick<PlacementStore, 'read' | 'declareDead'>,
  unit: Pick<UnitStores, 'url' | 'log' | 'fence' | 'relay'>,
): Promise<Revived> {
  const first = await freezeMoved(placements, unit)
  await placements.declareDead(unit.url, undefined)
  // What was moved while the log was looked through.
  const second = await freezeMoved(placements, unit)
  return { unit: unit.url, processes: second.processes, frozen: first.frozen + second.frozen }
}

async function freezeMoved(
  placements: Pick<PlacementStore, 'read'>,
  { url, log, fence, relay }: Pick<UnitStores, 'url' | 'log' | 'fence' | 'relay'>,
): Promise<{ processes: number; frozen: number }> {
  const freeze = async ({ process }: { process: string }): Promise<number> => {
    const [head, placement] = await Promise.all([log.head(process), placements.read(process)])
    if (head?.state !== 'open' || !placement || placement.unit === url) return 0
    if (await fence.freeze(process, placement.version)) return 1
    throw refusal(`The process ${process} was moved to ${placement.unit}, and cannot be frozen on ${url}.`)
  }
  const counts = { processes: 0, frozen: 0 }
  for await (const frozen of pMapIterable(relay.scan(), freeze, { concurrency: AT_ONCE, backpressure: AT_ONCE })) {
    counts.processes++
    counts.frozen += frozen
  }
  return counts
}
