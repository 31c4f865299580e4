/** From timestamps to nonces by Postgres, on the address for reads: adapter of `TimeIndex`. A hint, given soon or not at all. */
import { and, desc, eq, lte } from 'drizzle-orm'
import type { TimeIndex } from '../../core/ports/metadata-index.ts'
import { createDatabase, type DatabaseOptions } from './client.ts'
import { integer } from './encode.ts'
import { messages } from './schema.ts'

/** After this long a search of the log itself is as quick. */
const TIMEOUT_MS = 250
/** So long it is left alone after it did not answer, or every page would wait for an index that is away. */
const REST_MS = 5000

export function createTimeIndex({ restMs = REST_MS, ...options }: DatabaseOptions & { restMs?: number }): TimeIndex {
  const database = createDatabase({ timeoutMs: TIMEOUT_MS, ...options })
  let restsUntil = 0
  return {
    async lastNonceUpTo(process, timestamp) {
      if (Number.isNaN(timestamp) || performance.now() < restsUntil) return undefined
      try {
        const [row] = await database
          .select({ nonce: messages.nonce })
          .from(messages)
          .where(and(eq(messages.process, process), lte(messages.timeKey, integer(Math.floor(timestamp)))))
          .orderBy(desc(messages.timeKey), desc(messages.nonce))
          .limit(1)
        return row?.nonce
      } catch {
        // The port's "does not know": the asker searches the log, which needs no index.
        restsUntil = performance.now() + restMs
        return undefined
      }
    },
  }
}
