/** ANS-104 bundles of data items: what segments hold, and what the reference's stored items wrap. */
import { SchedulerError } from '../errors.ts'
import { type DataItem, parseDataItem } from './data-item.ts'
import { readUInt64, writeUInt64 } from './uint64.ts'

/** A number of 32 bytes, little-endian; an entry is the item's length, so written, and its id's 32 bytes. */
const NUMBER_BYTES = 32
const ENTRY_BYTES = 2 * NUMBER_BYTES

/**
 * The items of the bundle that takes up exactly these bytes, in order, as views. Throws `invalid-item` where a length or
 * an id in the header is not that of its item, or bytes are missing or left over.
 */
export function parseBundle(bytes: Buffer): DataItem[] {
  const count = readNumber(bytes, 0)
  const headerBytes = NUMBER_BYTES + count * ENTRY_BYTES
  if (headerBytes > bytes.length) throw new SchedulerError('invalid-item', 'The bundle ends before its header does.')

  const items: DataItem[] = []
  let start = headerBytes
  for (let entry = NUMBER_BYTES; entry < headerBytes; entry += ENTRY_BYTES) {
    const length = readNumber(bytes, entry)
    if (length > bytes.length - start) throw new SchedulerError('invalid-item', 'The bundle ends before its items do.')
    const item = parseDataItem(bytes.subarray(start, start + length))
    if (item.id !== bytes.toString('base64url', entry + NUMBER_BYTES, entry + ENTRY_BYTES)) {
      throw new SchedulerError('invalid-item', 'The bundle names an item by an id that is not its own.')
    }
    items.push(item)
    start += length
  }
  if (start !== bytes.length) throw new SchedulerError('invalid-item', 'The bundle goes on after its last item.')
  return items
}

/** The bundle of these items, in this order. */
export function encodeBundle(items: readonly Pick<DataItem, 'id' | 'raw'>[]): Buffer {
  const header = bundleHeader(items.map(({ id, raw }) => ({ id, bytes: raw.length })))
  return Buffer.concat([header, ...items.map(({ raw }) => raw)])
}

/** What stands in front of the items of a bundle: their number, and of each its length and id. */
export function bundleHeader(items: readonly { id: string; bytes: number }[]): Buffer {
  const header = Buffer.alloc(NUMBER_BYTES + items.length * ENTRY_BYTES)
  writeUInt64(header, 0, items.length)
  items.forEach(({ id, bytes }, index) => {
    const entry = NUMBER_BYTES + index * ENTRY_BYTES
    writeUInt64(header, entry, bytes)
    header.write(id, entry + NUMBER_BYTES, 'base64url')
  })
  return header
}

function readNumber(bytes: Buffer, position: number): number {
  const number = bytes.subarray(position, position + NUMBER_BYTES)
  if (number.length < NUMBER_BYTES) throw new SchedulerError('invalid-item', 'The bundle ends before its header does.')
  if (number.subarray(8).some((byte) => byte !== 0)) {
    throw new SchedulerError('invalid-item', 'The bundle holds a number that is too large.')
  }
  return readUInt64(number)
}
