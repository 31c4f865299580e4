/** Where accepted items go (contract, "Upload"). */
import * as v from 'valibot'
import { flag, httpUrl, required } from './variables.ts'

const DEFAULT_CACHE = 'https://cache.forward.computer'

export const upload = v.pipe(
  v.object({
    UPLOAD_NODE_URL: required('the address of a bundler, such as https://up.arweave.net', httpUrl),
    UPLOAD_RECEIPTS: flag(true),
    CACHE_URL: v.optional(v.union([v.literal('none'), httpUrl], 'must be an address, or none.'), DEFAULT_CACHE),
  }),
  v.transform((env) => ({
    bundlerUrl: env.UPLOAD_NODE_URL,
    /** Whether the bundler answers with a receipt; without, any 2xx counts as taken. */
    receipts: env.UPLOAD_RECEIPTS,
    cacheUrl: env.CACHE_URL === 'none' ? undefined : env.CACHE_URL,
  })),
)
