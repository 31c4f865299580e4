/**
 * A record's node as it lies in a segment: the bytes that a page has, and before them what `show-anchor` puts in, so that
 * neither form needs parsing.
 *
 * A frame: length of the node (4 bytes, big-endian), length of the anchor's text (1; 0 where both forms are the same), bytes of the
 * node behind the place of the anchor (1), the anchor's text, the node.
 */
import { parseDataItem } from '../ans104/data-item.ts'
import type { IndexedRecord } from '../ports/segment-store.ts'
import { assignmentText, itemText, nodeText } from '../read/render.ts'
import type { WholeRecord } from '../relay/batch.ts'

const HEADER_BYTES = 6
/** What stands where an anchor is not shown. */
const HIDDEN = 'null'

export interface Frame {
  frame: Buffer
  bytes: number
  bytesWithAnchor: number
}

/** Fails with `unavailable` where the record cannot be read. */
export function frameOf(record: WholeRecord): Frame {
  const item = itemText(record, record.rawItem)
  const plain = assignmentText(record)
  const node = Buffer.from(nodeText(item, plain))
  const { anchor, tail } = hiddenAnchor(record, plain)
  const frame = Buffer.concat([Buffer.alloc(HEADER_BYTES), Buffer.from(anchor), node])
  frame.writeUInt32BE(node.length)
  frame[4] = anchor.length
  frame[5] = tail
  return { frame, bytes: node.length, bytesWithAnchor: node.length + growth(anchor.length) }
}

/** How much longer a node is with its anchor. */
const growth = (anchor: number): number => (anchor === 0 ? 0 : anchor + 2 - HIDDEN.length)

/** Bytes of a record's frame. */
export const frameBytes = ({ bytes, bytesWithAnchor }: Pick<IndexedRecord, 'bytes' | 'bytesWithAnchor'>): number =>
  HEADER_BYTES + bytes + (bytesWithAnchor === bytes ? 0 : bytesWithAnchor - bytes - 2 + HIDDEN.length)

/** What `show-anchor` adds to a node, and how many bytes of it follow; checked against what is rendered, not assumed. */
function hiddenAnchor(record: WholeRecord, plain: string): { anchor: string; tail: number } {
  const shown = assignmentText(record, { showAnchor: true })
  if (shown === plain || record.assignment === undefined) return { anchor: '', tail: 0 }
  const anchor = parseDataItem(record.assignment).anchor.toString('base64url')
  const name = '"anchor":'
  const place = plain.lastIndexOf(`${name}${HIDDEN}`) + name.length
  const behind = plain.slice(place + HIDDEN.length)
  if (shown !== `${plain.slice(0, place)}"${anchor}"${behind}`) throw new Error('an anchor is not where it should be')
  // The node goes on for one more brace.
  return { anchor, tail: Buffer.byteLength(behind) + 1 }
}

/**
 * The node in the frame at `position`, which must be the record's; undefined where it is not. Without the anchor it is a view.
 */
export function nodeAt(
  bytes: Buffer,
  position: number,
  record: IndexedRecord,
  showAnchor: boolean,
): Buffer | undefined {
  const end = position + frameBytes(record)
  if (end > bytes.length || bytes.readUInt32BE(position) !== record.bytes) return undefined
  const anchor = bytes[position + 4] ?? 0
  const tail = bytes[position + 5] ?? 0
  const start = position + HEADER_BYTES + anchor
  if (start + record.bytes !== end) return undefined
  const node = bytes.subarray(start, end)
  if (!showAnchor || anchor === 0) return node
  return Buffer.concat([
    node.subarray(0, node.length - tail - HIDDEN.length),
    QUOTE,
    bytes.subarray(position + HEADER_BYTES, start),
    QUOTE,
    node.subarray(node.length - tail),
  ])
}

const QUOTE = Buffer.from('"')
