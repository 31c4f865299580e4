/**
 * Lets a unit schedule nothing any more once it was declared dead (docs/architecture.md, "Placements"): its processes may have
 * been moved then, and must not go on in two places.
 */
import { hasCode, SchedulerError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { PlacementStore } from '../ports/placement-store.ts'

/** How long an answer holds, ms. */
const HOLDS_MS = 60_000
/**
 * How long "alive" holds while the home region does not answer, ms: that it is away for a moment is no reason for the others to stop.
 * Whoever declares a unit dead that cannot be asked about it waits so long before its processes go on elsewhere.
 */
const HOLDS_UNASKED_MS = 900_000
/** How soon it is asked again then, ms. */
const ASK_AGAIN_MS = 10_000

export class UnitGuard {
  private readonly store: Pick<PlacementStore, 'deadSince'>
  private readonly unit: string
  private readonly clock: Clock
  private dead = false
  /** When the question was asked that was last answered by "alive", and from when on it is asked again. */
  private aliveAt = Number.NEGATIVE_INFINITY
  private askAgainAt = Number.NEGATIVE_INFINITY
  private asking: Promise<void> | undefined

  constructor(store: Pick<PlacementStore, 'deadSince'>, unit: string, clock: Clock) {
    this.store = store
    this.unit = unit
    this.clock = clock
  }

  /** Fails with `frozen` where the unit is dead, with `unavailable` where that cannot be told. */
  async check(): Promise<void> {
    if (this.clock.now() >= this.askAgainAt) {
      this.asking ??= this.ask().finally(() => {
        this.asking = undefined
      })
      await this.asking
    }
    if (!this.dead) return
    throw new SchedulerError('frozen', 'This unit was declared dead: its processes are scheduled elsewhere', {
      retryAfter: 60,
    })
  }

  private async ask(): Promise<void> {
    const askedAt = this.clock.now()
    try {
      this.dead = (await this.store.deadSince(this.unit)) !== undefined
      if (!this.dead) this.aliveAt = askedAt
      this.askAgainAt = askedAt + HOLDS_MS
    } catch (error) {
      // No answer changes nothing: who was dead stays so, who was alive may go on for a while.
      if (!hasCode(error, 'unavailable')) throw error
      const holdsUntil = this.dead ? Number.POSITIVE_INFINITY : this.aliveAt + HOLDS_UNASKED_MS
      if (this.clock.now() >= holdsUntil) throw error
      this.askAgainAt = Math.min(this.clock.now() + ASK_AGAIN_MS, holdsUntil)
    }
  }
}
