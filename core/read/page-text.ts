/** A planned page's JSON text, in pieces that are worth a write each. */
import type { Bodies } from './bodies.ts'
import type { Edge } from './edge.ts'

/** Characters of a piece, about; a larger edge is a piece of its own. */
const PIECE = 65_536

/** The page around its edges, which come in pieces: one or more edges each, joined by commas. */
export async function* pageText(hasNextPage: boolean, pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let separator = `{"page_info":{"has_next_page":${hasNextPage}},"edges":[`
  for await (const piece of pieces) {
    yield separator + piece
    separator = ','
  }
  yield separator === ',' ? ']}' : `${separator}]}`
}

/** The edges in pieces. Their bodies come as they are needed, and are given up when the reader stops. */
export async function* edgePieces(edges: readonly Edge[], bodies: Bodies): AsyncGenerator<string> {
  try {
    let piece = ''
    for (const { text, blob } of edges) {
      const edge = blob === undefined ? text : blob.complete(await bodies.next())
      piece = piece === '' ? edge : `${piece},${edge}`
      if (piece.length < PIECE) continue
      yield piece
      piece = ''
    }
    if (piece !== '') yield piece
  } finally {
    await bodies.close()
  }
}
