/** A page's JSON from its nodes, joined in pieces that are worth a write each: nothing is parsed and nothing rendered. */

import type { NodeBytes } from './page-nodes.ts'

/** Bytes of a piece. */
const PIECE = 65_536

/** Bytes of what stands between two nodes, at most: the longest cursor has 17 characters. */
const BETWEEN = 64

/** @param cursorAt of the page's record with that index, from 0 */
export async function* pageBytes(
  hasNextPage: boolean,
  nodes: AsyncIterable<readonly NodeBytes[]>,
  cursorAt: (index: number) => number,
): AsyncGenerator<Buffer> {
  // What others hold in Buffer's pool is not kept alive by a piece that waits to be sent.
  let piece = Buffer.allocUnsafeSlow(PIECE)
  let used = piece.write(`{"page_info":{"has_next_page":${hasNextPage}},"edges":[`)
  let count = 0
  for await (const batch of nodes) {
    for (const node of batch) {
      if (used + BETWEEN > PIECE) {
        yield piece.subarray(0, used)
        piece = Buffer.allocUnsafeSlow(PIECE)
        used = 0
      }
      const after = count === 0 ? '' : `,"cursor":"${cursorAt(count - 1)}"},`
      used += piece.write(`${after}{"node":`, used, 'latin1')
      count++
      for (const bytes of Buffer.isBuffer(node) ? [node] : node) {
        for (let copied = 0; copied < bytes.length; ) {
          if (used === PIECE) {
            yield piece
            piece = Buffer.allocUnsafeSlow(PIECE)
            used = 0
          }
          const part = bytes.copy(piece, used, copied)
          copied += part
          used += part
        }
      }
    }
  }
  yield piece.subarray(0, used)
  yield Buffer.from(count === 0 ? ']}' : `,"cursor":"${cursorAt(count - 1)}"}]}`)
}
