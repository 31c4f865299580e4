/** From where to where an effect has work in a process. */
import type { Effect, Progress } from '../ports/relay-store.ts'
import { BLOCK_RECORDS } from '../ports/segment-store.ts'

export interface Reach {
  /** The first nonce that is not done. */
  from: number
  /** The nonce after the last one that can be done now; nothing is left where it is `from`, or below. */
  next: number
}

/** @param done the effect's watermark; undefined: there is none yet */
export function reachOf(
  effect: Effect,
  { firstNonce, next }: Pick<Progress, 'firstNonce' | 'next'>,
  done: number | undefined,
): Reach {
  if (effect !== 'segments') return { from: done ?? firstNonce, next }
  // Whole blocks, and they begin at nonce 0.
  return { from: done ?? 0, next: Math.floor(next / BLOCK_RECORDS) * BLOCK_RECORDS }
}
