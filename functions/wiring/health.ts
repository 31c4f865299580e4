/** Whether the unit can do its work: it asks all that it cannot do without, and nothing that may be away. */

import type { BlobStore } from '../../core/ports/blob-store.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { IdentityGuard } from '../../core/schedule/identity-guard.ts'
import type { NetworkHeight } from '../../core/schedule/network-height.ts'

export interface HealthParts {
  /** The log answers, is this wallet's and is no restored one. */
  identity: IdentityGuard
  /** A height is known, so that processes can be spawned. */
  height: NetworkHeight
  blobs: Pick<BlobStore, 'check'>
  clock: Clock
}

/** So long an answer holds, ms: whoever asks often must not cost more than who asks now and then. */
const HOLDS_MS = 5_000

/** Fails with what does not answer (`unavailable`, `foreign-log`). Postgres and the bundler may be away for days. */
export const createHealth = ({ identity, height, blobs, clock }: HealthParts): (() => Promise<void>) =>
  held(clock, () => Promise.all([identity.verify(), height.current(), blobs.check()]))

/** The same check, made now and then; whoever asks in between gets what it said. */
export function held(clock: Clock, check: () => Promise<unknown>): () => Promise<void> {
  let checkedAt = Number.NEGATIVE_INFINITY
  let last: Promise<unknown> = Promise.resolve()
  return async () => {
    if (clock.now() - checkedAt >= HOLDS_MS) {
      checkedAt = clock.now()
      last = check()
      last.catch(() => undefined)
    }
    await last
  }
}
