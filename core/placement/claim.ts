/** A unit's side of its placements, where it can ask the home table itself (core/ports/own-placement.ts). */
import { SchedulerError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { OwnPlacement } from '../ports/own-placement.ts'
import type { Placement, PlacementStore } from '../ports/placement-store.ts'
import { UnitGuard } from './unit-guard.ts'

/** A change is lost to one that happened: another instance's of this unit, or a router's after a refusal. Both come to an end. */
const TRIES = 5

export interface OwnPlacementOptions {
  store: PlacementStore
  /** The unit's address as the router's list has it: scheme, host and port. */
  ownUrl: string
  clock: Clock
}

export function createOwnPlacement({ store, ownUrl, clock }: OwnPlacementOptions): OwnPlacement {
  const guard = new UnitGuard(store, ownUrl, clock)

  /**
   * Changes the placement while it is provisional and this unit's own, with what `change` makes of it. Gives the one that stands
   * when there is nothing (more) to change, undefined where the process is placed nowhere. Fails with `unavailable`.
   */
  async function settle(
    process: string,
    change: (own: Placement) => Partial<Placement> | undefined,
  ): Promise<Placement | undefined> {
    let standing = await store.read(process)
    for (let tries = 0; tries < TRIES; tries++) {
      if (!standing || standing.unit !== ownUrl || standing.state === 'settled') return standing
      const changed = change(standing)
      if (!changed) return standing
      standing = await store.change(standing, { ...standing, ...changed, version: standing.version + 1 })
    }
    if (standing?.unit !== ownUrl || standing.state === 'settled') return standing
    throw new SchedulerError('unavailable', `The placement of process ${process} does not come to rest`, {
      retryAfter: 1,
    })
  }

  return {
    async claim(process) {
      // What a dead unit took would be nowhere: nobody brings it back from there.
      await guard.check()
      const standing = await settle(process, () => ({ state: 'settled' }))
      if (standing?.unit === ownUrl) return
      throw new SchedulerError(
        'invalid-message',
        standing
          ? `The process ${process} is placed on another unit: spawn it through the router`
          : `The process ${process} is placed on no unit: spawn it through the router`,
      )
    },

    async refuse(process) {
      try {
        await settle(process, ({ refusedBy }) =>
          refusedBy.includes(ownUrl) ? undefined : { refusedBy: [...refusedBy, ownUrl] },
        )
      } catch {
        // Best effort: the refusal itself is what the caller must hear of. Spawned again, it is refused and said again.
      }
    },

    check: () => guard.check(),
  }
}
