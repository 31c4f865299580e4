/**
 * Processes that an instance left in trouble, so that they need not wait for the sweep once what was away is back. Only a
 * short cut: what is forgotten here, the sweep finds.
 */
import type { Clock } from '../ports/clock.ts'
import { type Effect, effects } from '../ports/relay-store.ts'

const REMEMBERED = 10_000
/** Woken by one invocation; each of them, done, lets the next ones follow. */
const WOKEN_AT_ONCE = 32
/** One whose trouble is its own is not woken more often than this, however well the others do, ms. */
const REST_MS = 10_000

export function createLeftBehind(clock: Pick<Clock, 'now'>) {
  /** By process, since when; the one left longest ago comes first. */
  const left: Record<Effect, Map<string, number>> = {
    metadata: new Map(),
    upload: new Map(),
    segments: new Map(),
  }
  return {
    /** A process was relayed; `behind`: this effect was left in trouble. */
    note(effect: Effect, process: string, behind: boolean): void {
      left[effect].delete(process)
      if (behind && left[effect].size < REMEMBERED) left[effect].set(process, clock.now())
    },

    /** Processes to be woken where these effects work; they are forgotten here. Those left longest ago come first. */
    due(working: readonly Effect[]): Set<string> {
      const found = new Set<string>()
      for (const effect of working) {
        for (const [process, since] of left[effect]) {
          if (found.size === WOKEN_AT_ONCE || since + REST_MS > clock.now()) break
          found.add(process)
        }
      }
      for (const process of found) for (const effect of effects) left[effect].delete(process)
      return found
    },
  }
}
