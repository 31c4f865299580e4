/** Hands items over to the bundler, which brings them to Arweave (contract, "Upload"). */
import * as v from 'valibot'
import type { Bundler, UploadOutcome } from '../core/ports/bundler.ts'
import { postItem } from './post-item.ts'
import { below, retryAfterMs } from './service.ts'

export interface BundlerOptions {
  /** UPLOAD_NODE_URL */
  url: string
  /**
   * Whether the bundler answers with a receipt (UPLOAD_RECEIPTS): JSON whose `id` is the item's. Then nothing else counts as
   * taken: a sign-in page and a firewall's challenge come with a 2xx too.
   */
  receipts?: boolean
  /** How long one attempt may take, ms. */
  timeoutMs?: number
}

const TAKEN = [200, 201, 202]
/** Statuses that are about the item itself. */
const ABOUT_THE_ITEM = [400, 422]
/** Where a bundler says that it has the item already. */
const MAYBE_KNOWN = [...ABOUT_THE_ITEM, 409]
/** Narrow on purpose: an item that is refused in vain is seen and sent again, one that is taken in vain is lost. */
const KNOWN =
  /\balready\s+(been\s+)?(received|exists?|uploaded|posted|processed|present|seen|known|stored|bundled|in\s+the\s+queue)\b|\bduplicate\s+(data\s+)?item\b|\bdata\s+item\s+exists\b/i
/** Statuses that say nothing about the item: no key, a proxy, too slow, too early, too many. */
const AWAY = [401, 407, 408, 421, 425, 429]

const MAX_ANSWER_BYTES = 65_536
const MAX_REASON_CHARACTERS = 300
const MAX_RETRY_AFTER_MS = 3_600_000

const receipt = v.pipe(v.string(), v.parseJson(), v.object({ id: v.string() }))

export function createBundler({ url, receipts = true, timeoutMs = 20_000 }: BundlerOptions): Bundler {
  const endpoint = below(url, 'tx/arweave')
  return {
    async upload(id, raw) {
      try {
        return await judge(id, receipts, await postItem(endpoint, raw, timeoutMs))
      } catch (error) {
        return { kind: 'trouble', reason: reasonOf(error), away: true }
      }
    },
  }
}

async function judge(id: string, receipts: boolean, response: Response): Promise<UploadOutcome> {
  const { status } = response
  const text = await beginning(response)
  const reason = `status ${status}: ${printable(text).slice(0, MAX_REASON_CHARACTERS)}`
  if (TAKEN.includes(status)) {
    // Turbo says in the status line of a 202 that it has the item.
    if (!receipts || (status === 202 && KNOWN.test(`${response.statusText}\n${text}`))) return { kind: 'taken' }
    const answer = v.safeParse(receipt, text)
    if (answer.success && answer.output.id === id) return { kind: 'taken' }
    // Another item's receipt is an answer of the bundler; a page or an error in a 2xx is none about the item.
    return { kind: 'trouble', reason: `No receipt for the item: ${reason}`, away: !answer.success }
  }
  if (MAYBE_KNOWN.includes(status) && KNOWN.test(text)) return { kind: 'taken' }
  if (ABOUT_THE_ITEM.includes(status)) return { kind: 'refused', reason }
  const wait = retryAfterMs(response)
  return {
    kind: 'trouble',
    reason,
    away: AWAY.includes(status) || status < 400 || status >= 500,
    ...(wait !== undefined && { retryAfterMs: Math.min(wait, MAX_RETRY_AFTER_MS) }),
  }
}

/** As much of the answer as a receipt or a reason needs. That the rest is missing does not change what the status says. */
async function beginning(response: Response): Promise<string> {
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = response.body?.getReader()
  if (!reader) return ''
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    while (bytes < MAX_ANSWER_BYTES) {
      const { done, value } = await reader.read()
      if (done) break
      chunks.push(value)
      bytes += value.length
    }
    await reader.cancel()
  } catch {
    // A body that breaks off: what came of it will do.
  }
  return Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES).toString('utf8')
}

const printable = (text: string) => text.replace(/[\p{C}\s]+/gu, ' ').trim()

/** `fetch failed` says nothing; its cause stands underneath. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause.message || cause.name : String(cause)
}
