/** What an effect of the relay is told about a stretch, and what it answers. */
import type { CacheOffers } from './cache-offers.ts'

/** How long trouble is borne with before it is left for another time. */
export interface Patience {
  /** ms since the epoch. What is begun before it may take its own time limit beyond it. */
  deadline: number
  /** Bears with no trouble at all: it is known already. */
  impatient?: boolean
  /** Segments are begun only until then, ms since the epoch: nobody waits for them. Absent: until the deadline. */
  packUntil?: number
}

export interface StretchRun extends Patience {
  /** This is the run's first stretch: an earlier run may have ended here in trouble. */
  probe: boolean
  offers: CacheOffers
}

/** How far an effect came in a stretch. */
export interface EffectOutcome {
  /** First nonce that is not done. */
  done: number
  /** Why it went no further, unless it was the deadline. */
  trouble?: string
  /** It goes no further now, and nothing new is wrong. */
  later?: true
}
