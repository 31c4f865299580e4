/** Waiting before something is tried again: longer each time, with jitter, never past the deadline. */
import type { Clock } from '../ports/clock.ts'

const FIRST_MS = 200
const MAX_MS = 5000

/**
 * Waits before attempt number `attempt` (1: the second one), at least `atLeastMs`. False, without waiting, where the
 * deadline would pass meanwhile.
 */
export async function backOff(clock: Clock, attempt: number, deadline: number, atLeastMs = 0): Promise<boolean> {
  const longest = Math.min(MAX_MS, FIRST_MS * 2 ** (attempt - 1))
  const wait = Math.max(atLeastMs, longest * (0.5 + clock.random() / 2))
  if (clock.now() + wait >= deadline) return false
  await clock.sleep(wait)
  return true
}
