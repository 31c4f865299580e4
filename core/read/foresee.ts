/**
 * What a page will need, asked for before its head is read: a page that nobody of this instance has read then waits for one round
 * less. A guess and no more: what the page holds is the head's to say, and what was asked for in vain is lost.
 */
import { BLOCK_RECORDS, blockOf } from '../ports/segment-store.ts'
import type { ReadDeps } from './deps.ts'
import type { PageQuery } from './query.ts'
import { INDEXES } from './stretches.ts'

/** Never fails, and nobody waits for it. */
export function foreseePage(deps: Pick<ReadDeps, 'segments' | 'memory'>, process: string, query: PageQuery): void {
  const first = firstOf(deps, process, query)
  if (first === undefined) return
  const last = first + query.limit - 1
  // Blocks that were not whole when the process was seen last are not packed: who asks for the newest again and again pays for none.
  const whole = blockOf(deps.memory.head(process)?.next ?? Number.MAX_SAFE_INTEGER)
  const count = Math.min(INDEXES, blockOf(last) - blockOf(first) + 1, whole - blockOf(first))
  if (count <= 0) return
  const blocks = Array.from({ length: count }, (_, n) => blockOf(first) + n)
  deps.segments.blocks(process, blocks).catch(() => undefined)
}

/** The page's first nonce, as far as that is known without the head. */
function firstOf({ memory }: Pick<ReadDeps, 'memory'>, process: string, { by, from }: PageQuery): number | undefined {
  if (from === undefined) return 0
  const before = by === 'nonce' ? from : memory.recall(process, from)?.nonce
  return before === undefined || before >= MAX_NONCE ? undefined : Math.max(0, before + 1)
}

/** Beyond it no process goes. */
const MAX_NONCE = 2 ** 31 - 1 - BLOCK_RECORDS
