/** What one instance takes, holds and sends. */
import * as v from 'valibot'
import { defaultMaxPageBytes } from '../../core/read/deps.ts'
import { Secret } from './secret.ts'
import { count, flag } from './variables.ts'

export const serving = v.pipe(
  v.object({
    MAX_BODY_BYTES: count('bytes', 4_500_000),
    MAX_PAGE_BYTES: count('bytes', defaultMaxPageBytes),
    MAX_READ_MEMORY: count('bytes', 1_073_741_824),
    PROCESS_CACHE_SIZE: count('processes', 20_000, 1, 10_000_000),
    ENABLE_METRICS: flag(true),
    CDN_SECRET: v.optional(v.pipe(v.string(), v.minLength(16, 'must have 16 characters or more.'))),
  }),
  v.transform((env) => ({
    maxBodyBytes: env.MAX_BODY_BYTES,
    /** A page is held while it is made: it may be no larger than what reads may hold. */
    maxPageBytes: Math.min(env.MAX_PAGE_BYTES, env.MAX_READ_MEMORY),
    /** Processes whose heads an instance remembers. */
    headsRemembered: env.PROCESS_CACHE_SIZE,
    metrics: env.ENABLE_METRICS,
    cdnSecret: env.CDN_SECRET === undefined ? undefined : new Secret(env.CDN_SECRET),
  })),
)
