/** Which nonces of a process match a page's query, before any limit (contract, "A page of the schedule"). */
import type { Head } from '../log/record.ts'
import type { ReadDeps } from './deps.ts'
import type { PageQuery } from './query.ts'
import { firstMessageNonce, lastNonce } from './readable-head.ts'
import { type SeekRange, seek } from './seek.ts'

/** Nonces `first`..`last`, both inclusive; none where `first > last`. They are always consecutive. */
export interface NonceRange {
  first: number
  last: number
}

/** Fails with `unavailable`. */
export async function matchingRange(
  deps: Pick<ReadDeps, 'log' | 'times' | 'memory'>,
  head: Head,
  query: PageQuery,
): Promise<NonceRange> {
  const { first, last } = await (query.by === 'nonce' ? byNonce(head, query) : byTimestamp(deps, head, query))
  // The process comes before all messages, and an upper bound never takes it out.
  return beginsWithProcess(head, query) ? { first: 0, last: Math.max(0, last) } : { first, last }
}

/** No lower bound brings the process, if it has an assignment; of the bounds only `from-nonce=-1`, and nothing below. */
const beginsWithProcess = (head: Head, { by, from }: PageQuery): boolean =>
  head.firstNonce === 0 && (from === undefined || (by === 'nonce' && from === -1))

function byNonce(head: Head, { from, to }: PageQuery): NonceRange {
  const first = firstMessageNonce(head)
  const last = lastNonce(head)
  return {
    first: from === undefined ? first : Math.max(first, from + 1),
    last: to === undefined ? last : Math.min(last, to),
  }
}

async function byTimestamp(
  deps: Pick<ReadDeps, 'log' | 'times' | 'memory'>,
  head: Head,
  { from, to }: PageQuery,
): Promise<NonceRange> {
  const messages = messageRange(head)
  const [before, last] = await Promise.all([
    from === undefined ? messages.first - 1 : seek(deps, messages, from),
    to === undefined ? messages.last : seek(deps, messages, to),
  ])
  return { first: before + 1, last }
}

/** All messages of a process. Its head's timestamp never falls, so it is the last one's time key. */
export const messageRange = (head: Head): SeekRange => ({
  process: head.process,
  first: firstMessageNonce(head),
  last: lastNonce(head),
  lastTimeKey: head.timestamp,
})
