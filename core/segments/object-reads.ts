/**
 * Reads parts of segments' objects, checked: those that the instance read lately from memory, the others many with one read of
 * the store, some ahead of who takes them. What is held is bounded, however much is read.
 */
import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import {
  blockOf,
  DamagedSegment,
  type ObjectName,
  type ObjectPart,
  type SegmentObjects,
} from '../ports/segment-store.ts'

/** Bytes of one read, unless a part has more. A block of ordinary messages is one. */
const READ_BYTES = 1_500_000
/** Bytes that are read ahead, about: a whole page, all of it at the same time. */
const AHEAD_BYTES = 4_000_000
/** What an entry takes beside its bytes. */
const ENTRY_BYTES = 200

/** A part of an object that is wanted. */
export interface WantedPart {
  object: ObjectName
  /** Where it begins in the object. */
  start: number
  part: ObjectPart
}

export interface ObjectReads {
  /** The bytes of these parts, in order. Fails with `unavailable`, and with DamagedSegment where they are not there as they should be. */
  parts(wanted: Iterable<WantedPart>): AsyncGenerator<Buffer>
}

/** @param maxBytes that are kept in memory for the next reader */
export function createObjectReads(objects: Pick<SegmentObjects, 'read'>, maxBytes: number): ObjectReads {
  // By their digests: what is here cannot be anything else.
  const kept = new LRUCache<string, Buffer>({
    maxSize: maxBytes,
    sizeCalculation: (bytes) => bytes.length + ENTRY_BYTES,
  })
  const keyOf = ({ part }: WantedPart) => part.sha256.toString('latin1')

  async function fetch(wanted: readonly WantedPart[]): Promise<Buffer[]> {
    const [first, last] = [wanted[0], wanted.at(-1)]
    if (!first || !last) return []
    const { object, start } = first
    const bytes = await objects.read(object, start, last.start + last.part.bytes)
    if (bytes === undefined) throw damaged(object, `the object of its ${object.form} is missing`)
    return wanted.map((one) => {
      const part = bytes.subarray(one.start - start, one.start - start + one.part.bytes)
      if (!hash('sha256', part, 'buffer').equals(one.part.sha256)) {
        throw damaged(object, `the object of its ${object.form} is altered`)
      }
      // A copy of its own, or one part in memory would hold all that was read with it.
      const own = Buffer.from(part)
      kept.set(keyOf(one), own)
      return own
    })
  }

  /** What one read brings; or a part that is in memory. */
  function* reads(wanted: Iterable<WantedPart>): Generator<{ bytes: number; parts: Promise<Buffer[]> | Buffer[] }> {
    let group: WantedPart[] = []
    let bytes = 0
    const read = () => {
      const parts = fetch(group)
      // Who stops early does not wait for it; its failure then concerns nobody.
      parts.catch(() => undefined)
      const one = { bytes, parts }
      group = []
      bytes = 0
      return one
    }
    for (const one of wanted) {
      const known = kept.get(keyOf(one))
      if (group.length > 0 && (known || bytes + one.part.bytes > READ_BYTES || !follows(group.at(-1), one)))
        yield read()
      if (known) yield { bytes: known.length, parts: [known] }
      else {
        group.push(one)
        bytes += one.part.bytes
      }
    }
    if (group.length > 0) yield read()
  }

  return {
    async *parts(wanted) {
      const source = reads(wanted)
      const ahead: { bytes: number; parts: Promise<Buffer[]> | Buffer[] }[] = []
      let bytes = 0
      for (;;) {
        while (ahead.length === 0 || bytes < AHEAD_BYTES) {
          const { value, done } = source.next()
          if (done) break
          ahead.push(value)
          bytes += value.bytes
        }
        const next = ahead.shift()
        if (next === undefined) return
        bytes -= next.bytes
        yield* Array.isArray(next.parts) ? next.parts : await next.parts
      }
    },
  }
}

/** Whether a part comes right behind another in the same object. */
const follows = (before: WantedPart | undefined, { object, start }: WantedPart): boolean =>
  before?.object === object && before.start + before.part.bytes === start

export const damaged = ({ process, first }: Pick<ObjectName, 'process' | 'first'>, what: string): DamagedSegment =>
  new DamagedSegment(process, blockOf(first), what)
