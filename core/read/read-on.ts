/**
 * Who reads a history from end to end asks for the page behind this one next, and mostly the same instance. So while this page is on its
 * way to him that one is read, early, out of segments, and then waits for nobody but him.
 */
import { BLOCK_RECORDS, type BlockIndex, blockOf, type ObjectName } from '../ports/segment-store.ts'
import type { ReadDeps } from './deps.ts'
import type { NonceRange } from './page-range.ts'
import type { Plan } from './plan.ts'
import { indexesOf, wholeBlocks } from './stretches.ts'

/** When that share of a page has gone out its own reads are about done. */
const SHARE = 1 / 3

/**
 * The page's pieces as they are.
 * @param range all that matches
 */
export async function* readingOn(
  deps: Pick<ReadDeps, 'segments' | 'memory'>,
  plan: Plan,
  range: NonceRange,
  form: ObjectName['form'],
  pieces: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  // What names it is asked for at once: that has come when the rest is.
  const next = pageBehind(deps, plan, range)
  let left = plan.bytes * SHARE
  for await (const piece of pieces) {
    if (left > 0 && left <= piece.length) {
      next?.then((behind) => expectBehind(deps, plan, behind, form)).catch(() => undefined)
    }
    left -= piece.length
    yield piece
  }
}

function expectBehind(
  { segments }: Pick<ReadDeps, 'segments'>,
  { head: { process } }: Plan,
  { first, last, packed }: PageBehind,
  form: ObjectName['form'],
): void {
  if (packed.length > 0) segments.expect(process, packed, first, last, { form, early: true })
}

interface PageBehind extends NonceRange {
  /** The indexes of its blocks. */
  packed: readonly BlockIndex[]
}

/**
 * What a client that reads on asks for next, as far as it is packed; undefined where this one does not, or nothing follows. It is one
 * that began at the beginning, or where a page ended that this instance gave. Never fails.
 */
function pageBehind(
  deps: Pick<ReadDeps, 'segments' | 'memory'>,
  { head: { process, next }, first, last }: Plan,
  range: NonceRange,
): Promise<PageBehind> | undefined {
  if (last >= range.last || !(first <= 1 || deps.memory.endedAt(process, first - 1))) return undefined
  const behind = last + 1
  const packable = Math.min(range.last, behind + last - first, blockOf(next) * BLOCK_RECORDS - 1)
  if (packable < behind) return undefined
  return indexesOf(deps, process, wholeBlocks({ first: behind, last: packable }), { early: true }).then(
    (indexes) => {
      const packed = fromTheStart(indexes)
      const end = packed.at(-1)?.block ?? -1
      return { first: behind, last: Math.min(packable, (end + 1) * BLOCK_RECORDS - 1), packed }
    },
    () => ({ first: behind, last, packed: [] }),
  )
}

/** Those up to the first one that is not packed. */
function fromTheStart(indexes: readonly (BlockIndex | undefined)[]): BlockIndex[] {
  const end = indexes.indexOf(undefined)
  return (end < 0 ? indexes : indexes.slice(0, end)).filter((index) => index !== undefined)
}
