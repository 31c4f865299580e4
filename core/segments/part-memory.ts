/**
 * Checked parts of objects that an instance read lately, by their digests: what is here cannot be anything else. They stay in the
 * buffer that one read brought, uncopied, and that is kept or given up as a whole, so what is counted is what is held.
 */
import { LRUCache } from 'lru-cache'
import type { ObjectPart } from '../ports/segment-store.ts'

/** What a part takes beside its bytes. */
const PART_BYTES = 300
/** A read that would push out more than this share of the others is not kept: a record larger than every bound is one. */
const LARGEST_SHARE = 0.25

interface Read {
  bytes: number
  keys: readonly string[]
}

export interface PartMemory {
  recall(part: ObjectPart): Buffer | undefined
  /** @param views all of them into the buffer of one read, which has so many bytes */
  remember(bytes: number, parts: readonly ObjectPart[], views: readonly Buffer[]): void
}

/** @param maxBytes that it holds at most */
export function createPartMemory(maxBytes: number): PartMemory {
  const places = new Map<string, { read: Read; view: Buffer }>()
  const reads = new LRUCache<Read, Read>({
    maxSize: maxBytes,
    maxEntrySize: Math.max(1, Math.floor(maxBytes * LARGEST_SHARE)),
    sizeCalculation: ({ bytes, keys }) => bytes + keys.length * PART_BYTES,
    dispose(read) {
      for (const key of read.keys) if (places.get(key)?.read === read) places.delete(key)
    },
  })
  return {
    recall(part) {
      const place = places.get(digestOf(part))
      if (place) reads.get(place.read)
      return place?.view
    },
    remember(bytes, parts, views) {
      const read = { bytes, keys: parts.map(digestOf) }
      reads.set(read, read)
      // It may be too large.
      if (!reads.has(read)) return
      for (const [at, key] of read.keys.entries()) {
        const view = views[at]
        if (view) places.set(key, { read, view })
      }
    },
  }
}

/** A part's digest as a key of maps. */
export const digestOf = ({ sha256 }: ObjectPart): string => sha256.toString('latin1')
