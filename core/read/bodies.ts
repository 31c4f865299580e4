/** Bodies from the blob store, a few at a time, in the order in which they will be needed. */
import { pMapIterable } from 'p-map'
import type { BlobRef } from '../ports/blob-store.ts'
import { type ReadDeps, timed } from './deps.ts'

/** Blobs that are fetched ahead at the same time, and held: a blob is as large as a request may be, some 5 MB. */
const AHEAD = 4

export interface Bodies {
  /** The next body. Fails with `unavailable`. */
  next(): Promise<Buffer>
  /** Stops fetching. */
  close(): Promise<void>
}

type BodyDeps = Pick<ReadDeps, 'blobs' | 'meter' | 'clock'>

/** One item's body. Fails with `unavailable`. */
export const readBody = (deps: BodyDeps, ref: BlobRef): Promise<Buffer> =>
  timed(deps, 'read_message_data', () => deps.blobs.get(ref))

/**
 * Begins to fetch, and waits for the first body: where the blob store is away, a reader then learns it from an error, not
 * from an answer that breaks off. Fails with `unavailable`.
 */
export async function openBodies(deps: BodyDeps, refs: readonly BlobRef[]): Promise<Bodies> {
  const bodies = pMapIterable(refs, (ref) => readBody(deps, ref), { concurrency: AHEAD })[Symbol.asyncIterator]()
  let first = refs.length === 0 ? undefined : await bodies.next()
  return {
    async next() {
      const result = first ?? (await bodies.next())
      first = undefined
      if (result.done) throw new Error('more bodies are asked for than were announced')
      return result.value
    },
    async close() {
      await bodies.return?.()
    },
  }
}
