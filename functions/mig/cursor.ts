/** How far bringing in messages came: in which of the source's databases, and where in it. */
import type { Cursor, Step } from '../../core/migration/order.ts'

export interface MessagesCursor extends Cursor {
  /** The database that it is in, where they are named; all before it are done. */
  database?: string | undefined
}

/** In this order. */
const steps: readonly Step[] = ['audit', 'copy', 'compare']

/** Where a cursor is, to be compared part by part; ids are compared as bytes, which they are ASCII for. */
const placeIn = ({ database, process = '', at }: MessagesCursor, databases: readonly string[]) => [
  database === undefined ? 0 : databases.indexOf(database),
  process,
  at?.process ?? '',
  at === undefined ? -1 : steps.indexOf(at.step),
  at?.nonce ?? -2,
]

/**
 * Whether more is done at one cursor than at the other. Only then does going on ever end.
 * @param databases in the order in which they are done
 */
export function isBeyond(
  now: MessagesCursor,
  before: MessagesCursor | undefined,
  databases: readonly string[],
): boolean {
  const [here, there] = [placeIn(now, databases), placeIn(before ?? {}, databases)]
  for (const [index, part] of here.entries()) {
    const other = there[index] ?? part
    if (part !== other) return part > other
  }
  return false
}
