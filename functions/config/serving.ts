/** What one instance takes, holds and sends. */
import * as v from 'valibot'
import { LARGEST_ITEM_BYTES } from '../../core/ans104/data-item.ts'
import { defaultMaxPageBytes } from '../../core/read/deps.ts'
import { count, flag, httpUrl, secrets } from './variables.ts'

const common = {
  MAX_BODY_BYTES: count('bytes', LARGEST_ITEM_BYTES, 1, LARGEST_ITEM_BYTES),
  PROCESS_CACHE_SIZE: count('processes', 20_000, 1, 10_000_000),
  ENABLE_METRICS: flag(true),
  CDN_SECRET: secrets,
  AO_CORE_ROUTES: flag(true),
  HYPERBEAM_URL: v.optional(httpUrl),
}

const aoCoreOf = (env: { AO_CORE_ROUTES: boolean; HYPERBEAM_URL?: string | undefined }) => ({
  /** Whether AO-Core paths are served. */
  aoCore: env.AO_CORE_ROUTES,
  /** Where paths that ask for computing or pushing are sent. */
  hyperbeamUrl: env.HYPERBEAM_URL?.replace(/\/+$/, ''),
})

/** Of the scheduler unit. */
export const serving = v.pipe(
  v.object({
    ...common,
    MAX_PAGE_BYTES: count('bytes', defaultMaxPageBytes),
    MAX_READ_MEMORY: count('bytes', 1_073_741_824),
    MAX_WAITING: count('requests', 100, 0),
    ROUTER_SECRET: secrets,
  }),
  v.transform((env) => ({
    maxBodyBytes: env.MAX_BODY_BYTES,
    /** What reads may hold bounds a page, though little of one is held here (docs/pages.md). */
    maxPageBytes: Math.min(env.MAX_PAGE_BYTES, env.MAX_READ_MEMORY),
    /** Processes whose heads an instance remembers. */
    headsRemembered: env.PROCESS_CACHE_SIZE,
    metrics: env.ENABLE_METRICS,
    cdnSecrets: env.CDN_SECRET,
    routerSecrets: env.ROUTER_SECRET,
    maxWaiting: env.MAX_WAITING,
    ...aoCoreOf(env),
  })),
)

/** Of the router. */
export const routerServing = v.pipe(
  v.object(common),
  v.transform((env) => ({
    maxBodyBytes: env.MAX_BODY_BYTES,
    /** Processes whose units an instance remembers. */
    placementsRemembered: env.PROCESS_CACHE_SIZE,
    metrics: env.ENABLE_METRICS,
    cdnSecrets: env.CDN_SECRET,
    ...aoCoreOf(env),
  })),
)
