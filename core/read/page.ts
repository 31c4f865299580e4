/**
 * A page of the schedule (contract, "A page of the schedule"): planned first, since whether there is a next page stands
 * in front of the edges, then streamed. Its nonces are consecutive, or it fails: a page never looks whole and is not.
 */
import type { Head } from '../log/record.ts'
import { begun } from './begun.ts'
import { pageBundle } from './bundle.ts'
import { type ReadDeps, timed } from './deps.ts'
import { pageBytes } from './page-bytes.ts'
import { pageNodes } from './page-nodes.ts'
import { matchingRange, type NonceRange } from './page-range.ts'
import { planPage, timeKeyOf } from './plan.ts'
import type { PageForm, PageQuery } from './query.ts'
import { readingOn } from './read-on.ts'
import { lastNonce, readable } from './readable-head.ts'

export interface Page {
  /** Whether more records match than the page holds. */
  hasNextPage: boolean
  /** Whether this answer can never change again, so that it may be cached for good where no allow-list rules. */
  immutable: boolean
  /** The page's first and last nonce; undefined for an empty page. */
  nonces: NonceRange | undefined
  /** What to go on from; undefined for an empty page. */
  lastCursor: number | undefined
  /**
   * The page's JSON text in pieces, UTF-8. Waits for the first of them, so that what cannot be begun fails (`unavailable`)
   * while that can still be said. An error later breaks it off: the answer must then break off too. Who does not read it to its
   * end must call its iterator's `return`, as `for await` does.
   */
  json(): Promise<AsyncIterable<Buffer>>
  /** The same records as an ANS-104 bundle: of each its assignment, then its item, if it has one. Otherwise as `json`. */
  bundle(): Promise<AsyncIterable<Buffer>>
}

/**
 * Plans a page from a head that was just read; the page is that of this moment. Fails with `incomplete` for a process that
 * is still being migrated, with `unavailable` where the log cannot be read.
 * @param then the form that will be read: reading begins while the page is planned
 */
export function openPage(deps: ReadDeps, head: Head, query: PageQuery, then?: PageForm): Promise<Page> {
  return timed(deps, 'get_messages', async () => {
    deps.memory.saw(readable(head))
    const range = await matchingRange(deps, head, query)
    const plan = await planPage(deps, head, query, range, then === 'json' ? 'nodes' : then)
    const { first, last } = plan
    const hasNextPage = last < range.last
    if (hasNextPage) deps.memory.pageEnded(head.process, last)
    const cursorOf = (nonce: number) => (query.by === 'nonce' ? nonce : timeKeyOf(plan, nonce))
    return {
      hasNextPage,
      immutable: hasNextPage || isBounded(head, query),
      nonces: last < first ? undefined : { first, last },
      lastCursor: last < first ? undefined : cursorOf(last),
      json: () => {
        const bytes = pageBytes(hasNextPage, pageNodes(deps, plan, query), (index) => cursorOf(first + index))
        return begun(readingOn(deps, plan, range, 'nodes', bytes))
      },
      bundle: () => begun(readingOn(deps, plan, range, 'bundle', pageBundle(deps, plan))),
    }
  })
}

/** Whether no message that is still to come can match: each has a nonce of its own, and a greater time key. */
function isBounded(head: Head, { by, from, to }: PageQuery): boolean {
  if (to === undefined) return false
  if (from !== undefined && from >= to) return true
  return by === 'nonce' ? to <= lastNonce(head) : to < head.timestamp
}
