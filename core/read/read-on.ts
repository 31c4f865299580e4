/**
 * Who reads a history from end to end asks for the page behind this one next, and mostly the same instance. So while this page is on its
 * way to him that one is read, early, out of segments, and then waits for nobody but him.
 */
import { BLOCK_RECORDS, type BlockIndex, blockOf, type ObjectName } from '../ports/segment-store.ts'
import type { ReadDeps } from './deps.ts'
import type { NonceRange } from './page-range.ts'
import type { Plan } from './plan.ts'
import type { ProcessMemory } from './process-memory.ts'
import { indexesOf, wholeBlocks } from './stretches.ts'

/** When that share of a page has gone out its own reads are about done. */
const SHARE = 1 / 3

/** Whether a page that begins there most likely has one before or behind it that the same client asks for. */
export const isReadOn = (memory: ProcessMemory, process: string, first: number): boolean =>
  first <= 1 || memory.endedAt(process, first - 1)

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
  const { head, first, last } = plan
  let left = plan.bytes * SHARE
  for await (const piece of pieces) {
    const before = left
    left -= piece.length
    if (before > 0 && left <= 0 && last < range.last && isReadOn(deps.memory, head.process, first)) {
      const next = { first: last + 1, last: Math.min(range.last, last + 1 + last - first) }
      readEarly(deps, plan, next, form)
    }
    yield piece
  }
}

/** Never fails, and nobody waits for it. */
function readEarly(
  deps: Pick<ReadDeps, 'segments'>,
  { head: { process, next } }: Plan,
  { first, last }: NonceRange,
  form: ObjectName['form'],
): void {
  const packable = Math.min(last, blockOf(next) * BLOCK_RECORDS - 1)
  if (packable < first) return
  indexesOf(deps, process, wholeBlocks({ first, last: packable })).then(
    (indexes) => {
      const packed = packedFromStart(indexes)
      const end = packed.at(-1)
      if (end === undefined) return
      deps.segments.expect(process, packed, first, Math.min(last, (end.block + 1) * BLOCK_RECORDS - 1), {
        form,
        early: true,
      })
    },
    () => undefined,
  )
}

/** Those that are packed, up to the first one that is not. */
function packedFromStart(indexes: readonly (BlockIndex | undefined)[]): BlockIndex[] {
  const end = indexes.indexOf(undefined)
  return (end < 0 ? indexes : indexes.slice(0, end)).filter((index) => index !== undefined)
}
