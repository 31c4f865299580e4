/**
 * Reads parts of segments' objects, checked: those that the instance read lately from memory, the others many with one read of
 * the store, some ahead of who takes them. What is held is bounded, however much is read.
 */
import { hash } from 'node:crypto'
import { hasCode } from '../errors.ts'
import {
  blockOf,
  DamagedSegment,
  type ObjectName,
  type ObjectPart,
  type SegmentObjects,
} from '../ports/segment-store.ts'
import { createPartMemory, digestOf } from './part-memory.ts'

/** Bytes of one read, unless a part has more. A block of ordinary messages is one. */
const READ_BYTES = 1_500_000
/** Bytes that are read ahead, about: a whole page, all of it at the same time. */
const AHEAD_BYTES = 4_000_000
/** Bytes that are read early at the same time, whoever may come for them. */
const EARLY_BYTES = 5_000_000

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
  /**
   * Begins to read what will be asked for, as much of it as would be read ahead. Who then asks meets it on its way.
   * @param early nobody waits for it yet: only as much as may be read so at once, and who comes for what has failed reads it again
   */
  expect(wanted: Iterable<WantedPart>, early?: boolean): void
}

export interface ObjectSource extends Pick<SegmentObjects, 'read'> {
  /** The same for what nobody waits for yet. */
  readEarly: SegmentObjects['read']
}

/** What one read brings; or a part that is in memory, or on its way already. */
interface Coming {
  bytes: number
  parts: Promise<Buffer[]> | Buffer[]
}

/** @param maxBytes that are kept in memory for the next reader */
export function createObjectReads(store: ObjectSource, maxBytes: number): ObjectReads {
  const memory = createPartMemory(maxBytes)
  /** By digests: several clients ask for the same pages at the same time. */
  const onTheWay = new Map<string, () => Promise<Buffer[]>>()
  let early = 0

  async function fetch(wanted: readonly WantedPart[], read: SegmentObjects['read']): Promise<Buffer[]> {
    const [first, last] = [wanted[0], wanted.at(-1)]
    if (!first || !last) return []
    const { object, start } = first
    const bytes = await read(object, start, last.start + last.part.bytes)
    if (bytes === undefined) throw damaged(object, `the object of its ${object.form} is missing`)
    const views = wanted.map((one) => {
      const view = bytes.subarray(one.start - start, one.start - start + one.part.bytes)
      if (hash('sha256', view, 'buffer').equals(one.part.sha256)) return view
      throw damaged(object, `the object of its ${object.form} is altered`)
    })
    memory.remember(
      bytes.length,
      wanted.map(({ part }) => part),
      views,
    )
    return views
  }

  function begin(wanted: readonly WantedPart[]): Promise<Buffer[]> {
    const reading = fetch(wanted, store.read)
    announce(wanted, reading, () => reading)
    return reading
  }

  function beginEarly(wanted: readonly WantedPart[], bytes: number): Promise<Buffer[]> {
    early += bytes
    const reading = fetch(wanted, store.readEarly)
    const done = () => {
      early -= bytes
    }
    reading.then(done, done)
    let again: Promise<Buffer[]> | undefined
    announce(wanted, reading, () =>
      reading.catch((error) => {
        if (!hasCode(error, 'unavailable')) throw error
        again ??= begin(wanted)
        return again
      }),
    )
    return reading
  }

  /** Who wants these parts, too, until they have come. */
  function announce(wanted: readonly WantedPart[], reading: Promise<Buffer[]>, join: () => Promise<Buffer[]>): void {
    for (const [at, { part }] of wanted.entries()) {
      const key = digestOf(part)
      const own = () => join().then((views) => views.slice(at, at + 1))
      onTheWay.set(key, own)
      const done = () => {
        if (onTheWay.get(key) === own) onTheWay.delete(key)
      }
      // Who stops early does not wait for it; its failure then concerns nobody.
      reading.then(done, done)
    }
  }

  /** What is being read already. */
  function joined(part: ObjectPart): Promise<Buffer[]> | undefined {
    const coming = onTheWay.get(digestOf(part))?.()
    coming?.catch(() => undefined)
    return coming
  }

  function* reads(
    wanted: Iterable<WantedPart>,
    start: (group: readonly WantedPart[], bytes: number) => Promise<Buffer[]> = begin,
  ): Generator<Coming> {
    let group: WantedPart[] = []
    let bytes = 0
    const read = (): Coming => {
      const one = { bytes, parts: start(group, bytes) }
      group = []
      bytes = 0
      return one
    }
    for (const one of wanted) {
      const known = memory.recall(one.part)
      const coming = known ? [known] : joined(one.part)
      const full = bytes + one.part.bytes > READ_BYTES || !follows(group.at(-1), one)
      if (group.length > 0 && (coming !== undefined || full)) yield read()
      if (coming !== undefined) {
        yield { bytes: one.part.bytes, parts: coming }
        continue
      }
      group.push(one)
      bytes += one.part.bytes
    }
    if (group.length > 0) yield read()
  }

  return {
    async *parts(wanted) {
      const source = reads(wanted)
      const ahead: Coming[] = []
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
    expect(wanted, soon = false) {
      if (soon && early >= EARLY_BYTES) return
      let bytes = 0
      for (const one of reads(wanted, soon ? beginEarly : begin)) {
        bytes += one.bytes
        if (bytes >= AHEAD_BYTES || (soon && early >= EARLY_BYTES)) return
      }
    },
  }
}

/** Whether a part comes right behind another in the same object. */
const follows = (before: WantedPart | undefined, { object, start }: WantedPart): boolean =>
  before?.object === object && before.start + before.part.bytes === start

export const damaged = ({ process, first }: Pick<ObjectName, 'process' | 'first'>, what: string): DamagedSegment =>
  new DamagedSegment(process, blockOf(first), what)
