/** When a request must have its answer: below the client's patience and below what Lambda allows this invocation. */
import type { Context } from 'hono'
import { remainingTime } from './platform.ts'

/** ms. The MU's and CU's fetch waits for 300 s, gateways and CDNs in between for 30. */
const PATIENCE_MS = 20_000
/** Left for rendering and sending the answer, ms. */
const RESERVE_MS = 1_500

/** How long an answer that has begun may take where nothing else ends it, ms: as long as clients wait. */
const LONGEST_MS = 300_000

/** When the answer must have begun, ms since the epoch. */
export function deadlineOf(c: Context, now: number): number {
  const remaining = remainingTime(c.env)
  return now + Math.min(PATIENCE_MS, remaining === undefined ? PATIENCE_MS : Math.max(0, remaining - RESERVE_MS))
}

/** When an answer that is streamed must be over, ms since the epoch: so that it is cut here, and not the whole instance. */
export function endOf(c: Context, now: number): number {
  const remaining = remainingTime(c.env)
  return now + (remaining === undefined ? LONGEST_MS : Math.max(0, remaining - RESERVE_MS))
}
