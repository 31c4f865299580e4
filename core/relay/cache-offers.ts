/** Offers to the cache beside the upload: best effort, once, and nothing waits long for them (contract, "Upload"). */
import type { UploadDeps } from './deps.ts'
import type { UploadPart } from './parts.ts'

/** Beyond so many unanswered offers, or bytes of them, the cache is not asked: it is too slow to be worth the memory. */
const MAX_UNANSWERED = 256
const MAX_BYTES = 8_000_000
/** A Lambda has no background: what is unanswered when a turn ends gets this long. It is paid for by each message. */
const PATIENCE_MS = 50

export interface CacheOffers {
  offer(part: UploadPart): void
  /** Waits a little for what is unanswered. */
  settle(deadline: number): Promise<void>
}

export function createCacheOffers({ cache, meter, clock }: Pick<UploadDeps, 'cache' | 'meter' | 'clock'>): CacheOffers {
  const unanswered = new Set<Promise<void>>()
  let bytes = 0
  if (cache === undefined) return { offer() {}, settle: async () => {} }
  const offer = async ({ id, raw }: UploadPart): Promise<void> => {
    const taken = await cache.offer(id, raw).catch(() => false)
    if (!taken) meter.count('cache_failures')
  }
  return {
    offer(part) {
      const size = part.raw.length
      if (unanswered.size > 0 && (unanswered.size >= MAX_UNANSWERED || bytes + size > MAX_BYTES)) {
        meter.count('cache_failures')
        return
      }
      bytes += size
      const answer = offer(part).finally(() => {
        unanswered.delete(answer)
        bytes -= size
      })
      unanswered.add(answer)
    },
    async settle(deadline) {
      const patience = Math.min(PATIENCE_MS, deadline - clock.now())
      if (unanswered.size > 0 && patience > 0) await Promise.race([Promise.all(unanswered), clock.sleep(patience)])
    },
  }
}
