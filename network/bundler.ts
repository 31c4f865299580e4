/** Hands items over to the bundler, which brings them to Arweave (contract, "Upload"). */
import type { Bundler, UploadOutcome } from '../core/ports/bundler.ts'
import { postItem } from './post-item.ts'
import { below, retryAfterMs } from './service.ts'

export interface BundlerOptions {
  /** UPLOAD_NODE_URL */
  url: string
  /** How long one attempt may take, ms. */
  timeoutMs?: number
}

const TAKEN = [200, 201, 202]
/** Statuses that are about the item itself. */
const ABOUT_THE_ITEM = [400, 422]
/** Where a bundler says that it has the item already. */
const MAYBE_KNOWN = [...ABOUT_THE_ITEM, 409]
/** Narrow on purpose: an item that is refused in vain is seen and sent again, one that is taken in vain is lost. */
const KNOWN = /\balready\s+(been\s+)?(received|exists?|uploaded|posted|processed|present|seen|known|stored|bundled)\b/i

const MAX_REASON_BYTES = 4096
const MAX_RETRY_AFTER_MS = 3_600_000

export function createBundler({ url, timeoutMs = 20_000 }: BundlerOptions): Bundler {
  const endpoint = below(url, 'tx/arweave')
  return {
    async upload(_id, raw) {
      try {
        return await judge(await postItem(endpoint, raw, timeoutMs))
      } catch (error) {
        return { kind: 'trouble', reason: reasonOf(error) }
      }
    },
  }
}

async function judge(response: Response): Promise<UploadOutcome> {
  const { status } = response
  const text = await beginning(response)
  if (TAKEN.includes(status)) return { kind: 'taken' }
  if (MAYBE_KNOWN.includes(status) && KNOWN.test(text)) return { kind: 'taken' }
  const reason = `status ${status}: ${printable(text).slice(0, 300)}`
  if (ABOUT_THE_ITEM.includes(status)) return { kind: 'refused', reason }
  const wait = retryAfterMs(response)
  return {
    kind: 'trouble',
    reason,
    ...(wait !== undefined && { retryAfterMs: Math.min(wait, MAX_RETRY_AFTER_MS) }),
  }
}

/** As much of the answer as a reason needs. That the rest is missing does not change what the status says. */
async function beginning(response: Response): Promise<string> {
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = response.body?.getReader()
  if (!reader) return ''
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    while (bytes < MAX_REASON_BYTES) {
      const { done, value } = await reader.read()
      if (done) break
      chunks.push(value)
      bytes += value.length
    }
    await reader.cancel()
  } catch {
    // A body that breaks off: what came of it will do.
  }
  return Buffer.concat(chunks).subarray(0, MAX_REASON_BYTES).toString('utf8')
}

const printable = (text: string) => text.replace(/[\p{C}\s]+/gu, ' ').trim()

/** `fetch failed` says nothing; what it failed by stands underneath. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause.message || cause.name : String(cause)
}
