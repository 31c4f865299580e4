/**
 * Bodies from the blob store. A body is as large as a request may be, some 5 MB, and many clients may ask for the same one, or for
 * many, at the same time: all who read one share it, and the bytes that an instance holds are bounded.
 */
import { LRUCache } from 'lru-cache'
import { pMapIterable } from 'p-map'
import { SchedulerError } from '../errors.ts'
import type { BlobRef, BlobStore } from '../ports/blob-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Meter } from '../ports/meter.ts'
import { type BodyReads, type HeldBody, timed } from './deps.ts'

/** Bytes of bodies that are held at once: with 64 readers, 2 MB for each. */
const HELD_BYTES = 128_000_000
/** Bytes of bodies that are kept for the next reader. */
const KEPT_BYTES = 16_000_000
/** How long a reader waits for others to be done with theirs, ms. */
const WAIT_MS = 10_000
/** Blobs that one page fetches ahead at the same time, and holds. */
const AHEAD = 4

interface SharedBody {
  raw: Promise<Buffer>
  holders: number
}

export interface BodyLimits {
  heldBytes?: number
  keptBytes?: number
}

/** Lives as long as the instance. */
export function createBodyReads(
  deps: { blobs: Pick<BlobStore, 'get'>; meter: Meter; clock: Clock },
  { heldBytes = HELD_BYTES, keptBytes = KEPT_BYTES }: BodyLimits = {},
): BodyReads {
  /** By digests of the bytes. */
  const shared = new Map<string, SharedBody>()
  const kept = new LRUCache<string, Buffer>({
    maxSize: keptBytes,
    sizeCalculation: ({ length }) => Math.max(1, length),
  })
  const budget = new ByteBudget(heldBytes, deps.clock)

  async function read(key: string, ref: BlobRef): Promise<Buffer> {
    const bytes = await budget.take(ref.bytes)
    try {
      const raw = kept.get(key) ?? (await timed(deps, 'read_message_data', () => deps.blobs.get(ref)))
      kept.set(key, raw)
      return raw
    } catch (error) {
      budget.give(bytes)
      throw error
    }
  }

  return {
    async hold(ref) {
      const key = ref.sha256.toString('base64url')
      const one = shared.get(key) ?? { raw: read(key, ref), holders: 0 }
      shared.set(key, one)
      one.holders++
      const leave = () => --one.holders === 0 && shared.get(key) === one && shared.delete(key)
      try {
        const raw = await one.raw
        let released = false
        return {
          raw,
          release() {
            if (released) return
            released = true
            if (leave()) budget.give(budget.sizeOf(ref.bytes))
          },
        }
      } catch (error) {
        // A reader that comes later tries again.
        leave()
        throw error
      }
    },
  }
}

/** Bytes to be held, first come, first served: a page takes its bodies in their order, so that the first in line always goes on. */
class ByteBudget {
  private readonly total: number
  private readonly clock: Clock
  private free: number
  private readonly line: { bytes: number; go: () => void }[] = []

  constructor(total: number, clock: Clock) {
    this.total = total
    this.clock = clock
    this.free = total
  }

  /** What counts of so many bytes: one body always fits. */
  sizeOf(bytes: number): number {
    return Math.min(bytes, this.total)
  }

  /** Waits until so many are free, and returns what counts of them. Fails with `unavailable`. */
  async take(wanted: number): Promise<number> {
    const bytes = this.sizeOf(wanted)
    if (this.line.length === 0 && bytes <= this.free) {
      this.free -= bytes
      return bytes
    }
    const timer = new AbortController()
    return new Promise((resolve, reject) => {
      const one = {
        bytes,
        go: () => {
          timer.abort()
          resolve(bytes)
        },
      }
      this.line.push(one)
      void this.clock.sleep(WAIT_MS, timer.signal).then(() => {
        if (timer.signal.aborted) return
        this.line.splice(this.line.indexOf(one), 1)
        this.next()
        reject(tooMany())
      })
    })
  }

  give(bytes: number): void {
    this.free += bytes
    this.next()
  }

  private next(): void {
    for (let [one] = this.line; one && one.bytes <= this.free; [one] = this.line) {
      this.line.shift()
      this.free -= one.bytes
      one.go()
    }
  }
}

const tooMany = () =>
  new SchedulerError('unavailable', 'Large messages: too many are being read at once. Ask again in a few seconds.', {
    retryAfter: 5,
  })

export interface Bodies {
  /** The next body, until the one behind it is asked for. Fails with `unavailable`. */
  next(): Promise<Buffer>
  /** Stops fetching, and releases what is held. */
  close(): Promise<void>
}

/**
 * Begins to fetch bodies in the order in which they will be needed, and waits for the first: where the blob store is away, a
 * reader then learns it from an error, not from an answer that breaks off. Fails with `unavailable`.
 */
export async function openBodies({ bodies }: { bodies: BodyReads }, refs: readonly BlobRef[]): Promise<Bodies> {
  let closed = false
  const held = new Set<HeldBody>()
  const hold = async (ref: BlobRef): Promise<HeldBody> => {
    const one = await bodies.hold(ref)
    // It came after its reader had left.
    if (closed) one.release()
    held.add(one)
    return one
  }
  const coming = pMapIterable(refs, hold, { concurrency: AHEAD })[Symbol.asyncIterator]()
  const release = () => {
    for (const one of held) one.release()
  }
  const close = async () => {
    closed = true
    release()
    await coming.return?.()
  }
  let first: IteratorResult<HeldBody> | undefined
  try {
    first = refs.length === 0 ? undefined : await coming.next()
  } catch (error) {
    await close()
    throw error
  }
  let current: HeldBody | undefined
  return {
    async next() {
      current?.release()
      const result = first ?? (await coming.next())
      first = undefined
      if (result.done) throw new Error('more bodies are asked for than were announced')
      current = result.value
      return current.raw
    },
    close,
  }
}
