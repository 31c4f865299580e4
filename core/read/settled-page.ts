/**
 * A page that can never change needs no look at the head: the one that this instance saw last covers it. So who reads a history from
 * end to end asks for no head until he comes to its end.
 */
import type { ReadDeps } from './deps.ts'
import { openPage, type Page } from './page.ts'
import type { PageForm, PageQuery } from './query.ts'
import { lastNonce } from './readable-head.ts'

/**
 * The page, if it is one that can never change whatever the head is now; undefined where that is not known without reading it.
 * Fails as `openPage`.
 * @param id what was asked for: most likely a process
 */
export async function openSettledPage(
  deps: ReadDeps,
  id: string,
  query: PageQuery,
  then?: PageForm,
): Promise<Page | undefined> {
  const head = deps.memory.head(id)
  if (head === undefined) return undefined
  const before = nonceBefore(deps, id, query)
  if (before === undefined || before + query.limit >= lastNonce(head)) return undefined
  const page = await openPage(deps, head, query, then)
  return page.immutable ? page : undefined
}

/** The nonce behind which the page begins, where that is known for good. */
function nonceBefore(
  { memory }: Pick<ReadDeps, 'memory'>,
  process: string,
  { by, from }: PageQuery,
): number | undefined {
  if (from === undefined) return 0
  if (by === 'nonce') return from
  const place = memory.recall(process, from)
  return place?.settled ? place.nonce : undefined
}
