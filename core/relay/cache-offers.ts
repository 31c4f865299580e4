/** Offers to the cache beside the upload: best effort, once, and nothing ever waits long for them (contract, "Upload"). */
import type { UploadDeps } from './deps.ts'
import type { UploadPart } from './parts.ts'

/** Beyond so many unanswered ones the cache is not asked: it is too slow to be worth the memory. */
const MAX_UNANSWERED = 64
/** A Lambda has no background: what is unanswered when a run ends gets this long. */
const PATIENCE_MS = 500

export interface CacheOffers {
  offer(part: UploadPart): void
  /** Waits a little for what is unanswered. */
  settle(deadline: number): Promise<void>
}

export function createCacheOffers({ cache, meter, clock }: Pick<UploadDeps, 'cache' | 'meter' | 'clock'>): CacheOffers {
  const unanswered = new Set<Promise<void>>()
  if (cache === undefined) return { offer() {}, settle: async () => {} }
  const offer = async ({ id, raw }: UploadPart): Promise<void> => {
    const taken = await cache.offer(id, raw).catch(() => false)
    if (!taken) meter.count('cache_failures')
  }
  return {
    offer(part) {
      if (unanswered.size >= MAX_UNANSWERED) {
        meter.count('cache_failures')
        return
      }
      const answer = offer(part).finally(() => unanswered.delete(answer))
      unanswered.add(answer)
    },
    async settle(deadline) {
      const patience = Math.min(PATIENCE_MS, deadline - clock.now())
      if (unanswered.size > 0 && patience > 0) await Promise.race([Promise.all(unanswered), clock.sleep(patience)])
    },
  }
}
