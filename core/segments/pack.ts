/** Packs the records of a block: segment after segment, then the index. The same records always give the same bytes. */
import { hash } from 'node:crypto'
import { encodeBundle } from '../ans104/bundle.ts'
import { parseDataItem } from '../ans104/data-item.ts'
import type { BlockIndex, IndexedRecord, ObjectPart, PackedObject, Segment } from '../ports/segment-store.ts'
import type { WholeRecord } from '../relay/batch.ts'
import { bundleHeaderBytes } from './bundle-header.ts'
import { endsBefore, partRanges } from './cut.ts'
import { frameOf } from './frame.ts'

export interface PackedSegment {
  segment: Segment
  nodes: Buffer
  bundle: Buffer
}

/** A record that is made ready. */
interface Packed {
  indexed: IndexedRecord
  frame: Buffer
  /** Its assignment, and its item. */
  items: { id: string; raw: Buffer }[]
}

/** Takes a block's records in order, any number at a time. At most one segment and a record more are held. */
export class BlockPacker {
  private readonly records: IndexedRecord[] = []
  private readonly segments: Segment[] = []
  private readonly block: number
  private held: Packed[] = []
  private heldBytes = 0

  constructor(block: number) {
    this.block = block
  }

  /** The segment that ends before this record, if one does. Fails with `unavailable` where the record cannot be read. */
  add(record: WholeRecord): PackedSegment | undefined {
    const packed = packRecord(record)
    const finished = endsBefore(this.heldBytes, packed.frame.length) ? this.finish() : undefined
    this.held.push(packed)
    this.heldBytes += packed.frame.length
    return finished
  }

  /** The last segment, and the index of all; to be called once, when all records of the block were added. */
  end(): { last: PackedSegment; index: BlockIndex } {
    const last = this.finish()
    return { last, index: { block: this.block, records: this.records, segments: this.segments } }
  }

  private finish(): PackedSegment {
    const packed = packSegment(this.held)
    this.records.push(...this.held.map(({ indexed }) => indexed))
    this.segments.push(packed.segment)
    this.held = []
    this.heldBytes = 0
    return packed
  }
}

function packRecord(record: WholeRecord): Packed {
  const { nonce, timeKey, item, rawItem, assignment } = record
  const { frame, bytes, bytesWithAnchor } = frameOf(record)
  const items = []
  if (assignment) items.push({ id: parseDataItem(assignment).id, raw: assignment })
  if (item && rawItem) items.push({ id: item.id, raw: rawItem })
  const indexed = { nonce, timeKey, bytes, bytesWithAnchor, items: items.length === 2 ? 2 : 1 } as const
  return { indexed, frame, items }
}

function packSegment(records: readonly Packed[]): PackedSegment {
  const [first, last] = [records[0]?.indexed.nonce, records.at(-1)?.indexed.nonce]
  if (first === undefined || last === undefined) throw new Error('a segment has records')
  const nodes = Buffer.concat(records.map(({ frame }) => frame))
  const items = records.flatMap((record) => record.items)
  const bundle = encodeBundle(items)
  const parts = partRanges({ first, last }).map((part) => records.slice(part.first - first, part.last - first + 1))
  const frameLengths = parts.map((part) => sum(part.map(({ frame }) => frame.length)))
  const itemLengths = parts.map((part) => sum(part.flatMap((record) => record.items.map(({ raw }) => raw.length))))
  const segment = {
    first,
    last,
    nodes: describe(nodes, frameLengths),
    bundle: describe(bundle, [bundleHeaderBytes(items.length), ...itemLengths]),
  }
  return { segment, nodes, bundle }
}

function describe(object: Buffer, partLengths: readonly number[]): PackedObject {
  let start = 0
  const parts = partLengths.map((bytes): ObjectPart => {
    const part = object.subarray(start, start + bytes)
    start += bytes
    return { bytes, sha256: hash('sha256', part, 'buffer') }
  })
  return { sha256: hash('sha256', object, 'buffer'), bytes: object.length, parts }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)
