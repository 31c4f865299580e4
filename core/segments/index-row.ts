/**
 * A block's index as bytes, some 3 KB, checked as a whole when it is read: it is what everything else is checked against.
 *
 * Version (1 byte); the first 16 bytes of the SHA-256 of what it is for and of all that follows; then numbers as varints: of each
 * record how much its time key grows, bytes of its node, and what `show-anchor` adds, twice, plus 1 where it has two items; number of segments; of
 * each its number of records, for nodes and bundle the digest, and of each part its digest, and its length where that does not follow from the records.
 */
import { hash } from 'node:crypto'
import {
  BLOCK_RECORDS,
  type BlockIndex,
  type IndexedRecord,
  type ObjectPart,
  type PackedObject,
  type Segment,
} from '../ports/segment-store.ts'
import { RENDERING } from '../read/render.ts'
import { bundleHeaderBytes } from './bundle-header.ts'
import { partRanges } from './cut.ts'
import { frameBytes } from './frame.ts'
import { ByteReader, ByteWriter } from './varint.ts'

const CHECK_BYTES = 16
const DIGEST_BYTES = 32

export function encodeIndex(process: string, { block, records, segments }: BlockIndex): Buffer {
  const writer = new ByteWriter()
  let timeKey = 0
  for (const record of records) {
    writer.number(record.timeKey - timeKey)
    writer.number(record.bytes)
    writer.number((record.bytesWithAnchor - record.bytes) * 2 + record.items - 1)
    timeKey = record.timeKey
  }
  writer.number(segments.length)
  for (const { first, last, nodes, bundle } of segments) {
    writer.number(last - first + 1)
    writer.bytes(nodes.sha256)
    for (const { sha256 } of nodes.parts) writer.bytes(sha256)
    writer.bytes(bundle.sha256)
    const [header, ...parts] = bundle.parts
    if (header) writer.bytes(header.sha256)
    for (const { bytes, sha256 } of parts) {
      writer.number(bytes)
      writer.bytes(sha256)
    }
  }
  const body = writer.written()
  return Buffer.concat([Buffer.from([RENDERING]), checkOf(process, block, body), body])
}

/**
 * `altered`: not what was written for this block. `older`: an earlier version of the unit wrote it, and it is to be packed again.
 * `newer`: a later version wrote it, which is being deployed, and it stays. All three count as not packed.
 */
export function decodeIndex(process: string, block: number, bytes: Buffer): BlockIndex | 'altered' | 'older' | 'newer' {
  const version = bytes[0] ?? 0
  if (version !== RENDERING) return version < RENDERING ? 'older' : 'newer'
  const body = bytes.subarray(1 + CHECK_BYTES)
  if (!checkOf(process, block, body).equals(bytes.subarray(1, 1 + CHECK_BYTES))) return 'altered'
  const reader = new ByteReader(body)
  const records = readRecords(reader, block)
  const segments: Segment[] = []
  let first = block * BLOCK_RECORDS
  for (let left = reader.number(); left > 0; left--) {
    const last = first + reader.number() - 1
    segments.push(
      readSegment(reader, { first, last }, records.slice(first % BLOCK_RECORDS, (last % BLOCK_RECORDS) + 1)),
    )
    first = last + 1
  }
  return { block, records, segments }
}

function readRecords(reader: ByteReader, block: number): IndexedRecord[] {
  let timeKey = 0
  return Array.from({ length: BLOCK_RECORDS }, (_, index): IndexedRecord => {
    timeKey += reader.number()
    const bytes = reader.number()
    const rest = reader.number()
    return {
      nonce: block * BLOCK_RECORDS + index,
      timeKey,
      bytes,
      bytesWithAnchor: bytes + Math.floor(rest / 2),
      items: rest % 2 === 1 ? 2 : 1,
    }
  })
}

function readSegment(
  reader: ByteReader,
  range: Pick<Segment, 'first' | 'last'>,
  records: readonly IndexedRecord[],
): Segment {
  const ranges = partRanges(range)
  const sha256 = reader.bytes(DIGEST_BYTES)
  const nodeParts = ranges.map(({ first, last }): ObjectPart => {
    const part = records.slice(first - range.first, last - range.first + 1)
    return { bytes: part.reduce((total, record) => total + frameBytes(record), 0), sha256: reader.bytes(DIGEST_BYTES) }
  })
  const bundleSha256 = reader.bytes(DIGEST_BYTES)
  const items = records.reduce((total, record) => total + record.items, 0)
  const header = { bytes: bundleHeaderBytes(items), sha256: reader.bytes(DIGEST_BYTES) }
  const itemParts = ranges.map((): ObjectPart => ({ bytes: reader.number(), sha256: reader.bytes(DIGEST_BYTES) }))
  return { ...range, nodes: whole(sha256, nodeParts), bundle: whole(bundleSha256, [header, ...itemParts]) }
}

const whole = (sha256: Buffer, parts: readonly ObjectPart[]): PackedObject => ({
  sha256,
  bytes: parts.reduce((total, { bytes }) => total + bytes, 0),
  parts,
})

const checkOf = (process: string, block: number, body: Buffer): Buffer =>
  hash('sha256', Buffer.concat([Buffer.from(`${process}/${block}/`), body]), 'buffer').subarray(0, CHECK_BYTES)
