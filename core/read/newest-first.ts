/** A page from the newest record downwards, for readers that show what happened last (`sort=DESC`). */
import type { Head } from '../log/record.ts'
import type { ReadDeps } from './deps.ts'
import { pageNodes } from './page-nodes.ts'
import { planPage } from './plan.ts'
import type { PageQuery } from './query.ts'
import { firstMessageNonce, lastNonce, readable } from './readable-head.ts'

export interface NewestFirstPage {
  /** Whether lower nonces match as well. The next page ends at the last cursor minus one. */
  hasNextPage: boolean
  /** Whether a later record can change nothing of it. */
  immutable: boolean
  /** The lowest and the highest nonce; undefined for an empty page. */
  nonces: { first: number; last: number } | undefined
  /** Its JSON text, as a page in rising order has it. Fails with `unavailable`. */
  json(): Promise<Buffer>
}

/** @param query by nonce. Fails with `incomplete` for a process that is still being migrated, with `unavailable` */
export async function openNewestFirst(deps: ReadDeps, head: Head, query: PageQuery): Promise<NewestFirstPage> {
  const { from = -1, to } = query
  const newest = lastNonce(readable(head))
  const lowest = Math.max(from + 1, head.firstNonce === 0 && from < 0 ? 0 : firstMessageNonce(head))
  const last = Math.min(to ?? newest, newest)
  const immutable = to !== undefined && to <= newest
  if (last < lowest) {
    return { hasNextPage: false, immutable, nonces: undefined, json: async () => Buffer.from(pageText(false, [])) }
  }
  // A plan is cut at its high end where it is too large. A page in falling order must keep that end.
  for (let count = Math.min(query.limit, last - lowest + 1); ; ) {
    const first = last - count + 1
    const plan = await planPage(deps, head, { ...query, by: 'nonce', limit: count }, { first, last }, 'nodes')
    if (plan.last < last) {
      count = plan.last - first + 1
      continue
    }
    const hasNextPage = first > lowest
    return {
      hasNextPage,
      immutable,
      nonces: { first, last },
      async json() {
        const edges: string[] = []
        for await (const nodes of pageNodes(deps, plan, query)) {
          for (const node of nodes) {
            const text = (Buffer.isBuffer(node) ? node : Buffer.concat([...node])).toString()
            edges.push(`{"node":${text},"cursor":"${first + edges.length}"}`)
          }
        }
        return Buffer.from(pageText(hasNextPage, edges.reverse()))
      },
    }
  }
}

const pageText = (hasNextPage: boolean, edges: readonly string[]): string =>
  `{"page_info":{"has_next_page":${hasNextPage}},"edges":[${edges.join(',')}]}`
