/** Offers items to the cache, best effort: one attempt, and nothing depends on it (contract, "Upload"). */
import type { Cache } from '../core/ports/bundler.ts'
import { postItem } from './post-item.ts'
import { below, discard } from './service.ts'

export interface CacheOptions {
  /** CACHE_URL */
  url: string
  timeoutMs?: number
}

export function createCache({ url, timeoutMs = 5000 }: CacheOptions): Cache {
  const endpoint = below(url, 'id')
  endpoint.search = 'codec-device=ans104@1.0'
  return {
    async offer(_id, raw) {
      try {
        const response = await postItem(endpoint, raw, timeoutMs)
        await discard(response)
        return response.ok
      } catch {
        // Best effort by contract: "not taken" is all that anybody asks.
        return false
      }
    },
  }
}
