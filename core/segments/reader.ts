/** Reads segments for pages. What an instance has read stays in memory, within bounds, and nothing unchecked leaves this file. */
import type { Clock } from '../ports/clock.ts'
import type { SegmentDamage } from '../ports/segment-damage.ts'
import {
  BLOCK_RECORDS,
  type BlockIndex,
  type BundledStretch,
  DamagedSegment,
  type IndexedRecord,
  type ObjectName,
  objectNames,
  type PackedObject,
  type Segment,
  type SegmentReader,
} from '../ports/segment-store.ts'
import type { SegmentStores } from './build.ts'
import { bundleEntries } from './bundle-header.ts'
import { partRanges } from './cut.ts'
import { frameBytes, nodeAt } from './frame.ts'
import { createIndexReads } from './index-reads.ts'
import { createObjectReads, damaged, type WantedPart } from './object-reads.ts'
import { whileAnswering } from './rest.ts'

export const defaultKeptBytes = 24_000_000

export interface SegmentReaderDeps extends SegmentStores {
  /** Is told of indexes that are damaged: such a block counts as not packed. Of objects its callers tell. */
  damage: SegmentDamage
  clock: Pick<Clock, 'now'>
  /** Bytes of segments that an instance keeps in memory. */
  keptBytes?: number
}

export function createSegmentReader(deps: SegmentReaderDeps): SegmentReader {
  const { clock, keptBytes = defaultKeptBytes } = deps
  const bytes = whileAnswering(clock, (name: ObjectName, start: number, end: number) =>
    deps.objects.read(name, start, end),
  )
  const objects = createObjectReads({ read: bytes.ask, readEarly: bytes.askEarly }, keptBytes)
  const { blocks, forget } = createIndexReads(deps)
  async function* parts(wanted: Iterable<WantedPart>): AsyncGenerator<Buffer> {
    try {
      yield* objects.parts(wanted)
    } catch (error) {
      if (error instanceof DamagedSegment) forget(error.process, error.block)
      throw error
    }
  }
  return {
    blocks,

    async *nodes(process, of, from, to, { showAnchor }) {
      const wanted = [...segmentParts(process, of, from, to, 'nodes')]
      let at = 0
      for await (const bytes of parts(wanted)) {
        const part = wanted[at++]
        if (part) yield nodesIn(bytes, part, from, to, showAnchor)
      }
    },

    expect(process, of, from, to, { form, early }) {
      const wanted = segmentParts(process, of, from, to, form)
      objects.expect(form === 'nodes' ? wanted : withHeaders(wanted), early)
    },

    async bundle(process, of, from, to) {
      const segments = segmentsOf(of, from, to)
      const headers = segments.map(({ segment }) => bundleHeader(objectNames(process, segment)[1], segment))
      // A header is read with what is behind it, not by itself.
      objects.expect(withHeaders(segmentParts(process, of, from, to, 'bundle')))
      const lists: { id: string; bytes: number }[][] = []
      for await (const header of parts(headers)) lists.push(bundleEntries(header))
      const entries = new Map(segments.map(({ segment }, at) => [segment.first, lists[at] ?? []]))
      const wanted = [...segmentParts(process, of, from, to, 'bundle')]
      return stretchOf(parts(wanted), wanted, entries, from, to)
    },
  }
}

/** A part with the records that lie in it. */
interface RecordPart extends WantedPart {
  segment: Segment
  /** Of the part, in order. */
  records: readonly IndexedRecord[]
  /** Items of the segment before the part's first one. */
  itemsBefore: number
}

function segmentsOf(
  indexes: readonly BlockIndex[],
  from: number,
  to: number,
): { index: BlockIndex; segment: Segment }[] {
  return indexes.flatMap((index) =>
    index.segments.filter(({ first, last }) => first <= to && last >= from).map((segment) => ({ index, segment })),
  )
}

/** The parts that hold the nonces `from`..`to`, in order. Throws a plain error where the indexes do not cover them: the caller's mistake. */
function segmentParts(
  process: string,
  indexes: readonly BlockIndex[],
  from: number,
  to: number,
  form: ObjectName['form'],
): RecordPart[] {
  const parts: RecordPart[] = []
  let next = from
  for (const { index, segment } of segmentsOf(indexes, from, to)) {
    if (segment.first > next) break
    next = segment.last + 1
    const [nodesName, bundleName] = objectNames(process, segment)
    const object = form === 'nodes' ? nodesName : bundleName
    const [skipped, packed] = form === 'nodes' ? [0, segment.nodes] : [1, segment.bundle]
    let start = startOf(packed, skipped)
    let itemsBefore = 0
    for (const [at, { first, last }] of partRanges(segment).entries()) {
      const part = packed.parts[at + skipped]
      if (part === undefined) throw new Error('an index lacks a part')
      const records = index.records.slice(first % BLOCK_RECORDS, (last % BLOCK_RECORDS) + 1)
      if (first <= to && last >= from) parts.push({ object, start, part, segment, records, itemsBefore })
      start += part.bytes
      itemsBefore += itemsOf(records)
    }
  }
  if (next <= to) throw new Error(`the indexes given do not cover nonce ${next}`)
  return parts
}

const startOf = ({ parts }: PackedObject, part: number): number =>
  parts.slice(0, part).reduce((total, { bytes }) => total + bytes, 0)

const itemsOf = (records: readonly IndexedRecord[]): number => records.reduce((total, { items }) => total + items, 0)

function nodesIn(bytes: Buffer, part: RecordPart, from: number, to: number, showAnchor: boolean): Buffer[] {
  const nodes: Buffer[] = []
  let position = 0
  for (const record of part.records) {
    if (record.nonce > to) break
    if (record.nonce >= from) {
      const node = nodeAt(bytes, position, record, showAnchor)
      if (node === undefined) throw damaged(part.object, `nonce ${record.nonce} is not where its index says`)
      nodes.push(node)
    }
    position += frameBytes(record)
  }
  return nodes
}

function bundleHeader(object: ObjectName, segment: Segment): WantedPart {
  const [part] = segment.bundle.parts
  if (part === undefined) throw new Error('an index lacks the header of a bundle')
  return { object, start: 0, part }
}

/** The parts, and in front of each segment's first one its header. */
function* withHeaders(parts: readonly RecordPart[]): Generator<WantedPart> {
  let before: Segment | undefined
  for (const part of parts) {
    if (part.segment !== before) yield bundleHeader(part.object, part.segment)
    before = part.segment
    yield part
  }
}

/** @param entries of the bundles' headers, by the first nonce of their segments */
function stretchOf(
  source: AsyncGenerator<Buffer>,
  wanted: readonly RecordPart[],
  entries: ReadonlyMap<number, readonly { id: string; bytes: number }[]>,
  from: number,
  to: number,
): BundledStretch {
  // Of each part what comes before the stretch, and what belongs to it.
  const cuts = wanted.map((part) => {
    const all = entries.get(part.segment.first) ?? []
    const own = all.slice(part.itemsBefore, part.itemsBefore + itemsOf(part.records))
    const before = itemsOf(part.records.filter(({ nonce }) => nonce < from))
    const count = itemsOf(part.records.filter(({ nonce }) => nonce >= from && nonce <= to))
    return { part, skipped: bytesOf(own.slice(0, before)), items: own.slice(before, before + count), all: bytesOf(own) }
  })
  for (const { part, all } of cuts) {
    if (all !== part.part.bytes) throw damaged(part.object, 'the header of its bundle says other lengths')
  }
  return {
    items: cuts.flatMap(({ items }) => items),
    raw: (async function* () {
      let at = 0
      for await (const bytes of source) {
        const cut = cuts[at++]
        if (cut) yield bytes.subarray(cut.skipped, cut.skipped + bytesOf(cut.items))
      }
    })(),
  }
}

const bytesOf = (items: readonly { bytes: number }[]): number => items.reduce((total, { bytes }) => total + bytes, 0)
