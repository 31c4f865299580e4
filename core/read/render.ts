/**
 * The exact JSON text of what the unit serves (contract, "JSON shapes, keys in this order"). Texts are put together by
 * hand, not from objects: a page of a thousand records is rendered while its reader waits.
 */
import { isUtf8 } from 'node:buffer'
import { LRUCache } from 'lru-cache'
import { type DataItem, ownerAddress, parseDataItem } from '../ans104/data-item.ts'
import { TagCursor } from '../ans104/tags.ts'
import { SchedulerError } from '../errors.ts'
import type { LogRecord } from '../log/record.ts'
import { paddedHeight } from '../protocol/assignment.ts'

/**
 * Version of the rendering and of the segments that keep it: raised when either changes. It is in every entity tag, so that no client
 * keeps the bytes of before, and in every block's index, so that older blocks are packed again. One byte.
 */
export const RENDERING = 1

export interface RenderOptions {
  /** An assignment's anchor that is not UTF-8 comes as base64url instead of null (`show-anchor`, pages only). */
  showAnchor?: boolean
}

/** `{"message":…|null,"assignment":…}` from the two rendered halves. */
export const nodeText = (message: string, assignment: string): string =>
  `{"message":${message},"assignment":${assignment}}`

/**
 * The item half of a node: a message; a process under a message's names, where the process stands in its own schedule;
 * `null` where a transaction was assigned (`raw` is undefined then).
 */
export const itemText = (record: Pick<LogRecord, 'kind'>, raw: Buffer | undefined): string =>
  [...itemPieces(record, raw)].join('')

/** The same in pieces: the text of an item may be eleven times as large as its bytes, and need never be there as a whole. */
export function* itemPieces({ kind }: Pick<LogRecord, 'kind'>, raw: Buffer | undefined): Generator<string> {
  if (kind === 'transaction' || raw === undefined) yield 'null'
  else yield* piecesOf(kind, readStored(raw))
}

/** The assignment half of a node. Fails with `unavailable` where the record has none, or an unreadable one. */
export function assignmentText(
  { assignment }: Pick<LogRecord, 'assignment'>,
  { showAnchor }: RenderOptions = {},
): string {
  if (assignment === undefined) throw new SchedulerError('unavailable', 'A record of the log has no assignment.')
  const item = readStored(assignment)
  const { id, owner, tags, signature, anchor } = item
  const shownAnchor = showAnchor && !isUtf8(anchor) ? `"${anchor.toString('base64url')}"` : anchorText(anchor)
  // An assignment of its own carries no data and no target. One that carries data is an outer item of the oldest stored
  // shape, with the message's bundle in it: that shows no target at all (contract, "Stored bundles").
  const target = item.data.length > 0 ? 'null' : '""'
  return `{"id":"${id}","owner":${ownerText(owner)},"tags":${JSON.stringify(tags)},"signature":"${base64url(signature)}","anchor":${shownAnchor},"target":${target}}`
}

/** `GET /processes/{id}` from the process's record and its raw item. */
export function processText(record: Pick<LogRecord, 'assignment' | 'timestamp' | 'blockHeight'>, raw: Buffer): string {
  const item = readStored(raw)
  const { id, owner, tags, signature, anchor } = item
  const data = record.assignment === undefined ? 'null' : processDataText(item)
  return `{"process_id":"${id}","block":"${paddedHeight(record.blockHeight)}","owner":${ownerText(owner)},"tags":${JSON.stringify(tags)},"timestamp":${record.timestamp},"data":${data},"anchor":${anchorText(anchor)},"signature":"${base64url(signature)}","target":${processTargetText(item)}}`
}

/** Bytes of the item as it stands in a page: what a record must say of an item that is kept in the blob store. */
export function renderedItemBytes({ kind }: Pick<LogRecord, 'kind'>, item: DataItem): number {
  let bytes = 0
  for (const piece of piecesOf(kind === 'process' ? kind : 'message', item)) bytes += Buffer.byteLength(piece)
  return bytes
}

function* piecesOf(kind: 'process' | 'message', item: DataItem): Generator<string> {
  const { id, owner, signature, anchor, data } = item
  yield `{"id":"${id}","owner":${ownerText(owner)},"data":`
  // What is not UTF-8 becomes U+FFFD, and a byte-order mark stays: Buffer does both as the reference does.
  if (kind === 'message' || isUtf8(data)) yield* textPieces(data)
  else yield 'null'
  yield ',"tags":'
  yield* tagPieces(item)
  const target = kind === 'process' ? processTargetText(item) : `"${base64url(item.target)}"`
  yield `,"signature":"${base64url(signature)}","anchor":${anchorText(anchor)},"target":${target}}`
}

/** Bytes that are rendered at once. */
const PIECE = 32_768

/** A JSON string of these bytes, decoded in parts. */
function* textPieces(bytes: Buffer): Generator<string> {
  if (bytes.length <= PIECE) {
    yield JSON.stringify(bytes.toString('utf8'))
    return
  }
  yield '"'
  for (let start = 0; start < bytes.length; ) {
    const end = characterEnd(bytes, start + PIECE)
    yield JSON.stringify(bytes.toString('utf8', start, end)).slice(1, -1)
    start = end
  }
  yield '"'
}

/**
 * Where the bytes can be cut without changing what they decode to, at `at` or up to three bytes before: in front of a byte that
 * begins a character. Behind three bytes that go on with one, any further such byte belongs to none.
 */
function characterEnd(bytes: Buffer, at: number): number {
  if (at >= bytes.length) return bytes.length
  for (let end = at; end > at - 4; end--) if (((bytes[end] ?? 0) & 0xc0) !== 0x80) return end
  return at
}

/** A tag has a name and a value, in this order, and nothing else. */
function* tagPieces(item: DataItem): Generator<string> {
  const { rawTags } = item
  if (rawTags.length <= PIECE / 8) {
    yield JSON.stringify(item.tags)
    return
  }
  let piece = '['
  let separator = ''
  for (const at = new TagCursor(item); at.next(); separator = ',') {
    if (at.valueEnd - at.name > PIECE) {
      yield `${piece}${separator}{"name":`
      yield* textPieces(rawTags.subarray(at.name, at.nameEnd))
      yield ',"value":'
      yield* textPieces(rawTags.subarray(at.value, at.valueEnd))
      piece = '}'
    } else piece += separator + JSON.stringify(at.tag())
    if (piece.length <= PIECE) continue
    yield piece
    piece = ''
  }
  yield `${piece}]`
}

const processDataText = ({ data }: DataItem): string => (isUtf8(data) ? JSON.stringify(data.toString('utf8')) : 'null')

const processTargetText = ({ target }: DataItem): string => (target.length === 0 ? 'null' : `"${base64url(target)}"`)

const anchorText = (anchor: Buffer): string =>
  anchor.length === 0 || !isUtf8(anchor) ? 'null' : JSON.stringify(anchor.toString('utf8'))

const base64url = (bytes: Buffer): string => bytes.toString('base64url')

/** Rendered owners by key: few wallets sign most of a schedule, the unit's own half of it. About 2 KB each. */
const owners = new LRUCache<string, string>({ max: 1000 })

function ownerText(owner: Buffer): string {
  const key = owner.toString('latin1')
  const known = owners.get(key)
  if (known !== undefined) return known
  const text = `{"address":"${ownerAddress(owner)}","key":"${base64url(owner)}"}`
  owners.set(key, text)
  return text
}

/** What the log holds was read before it was accepted: bytes that are no item are the log's fault, not the caller's. */
function readStored(raw: Buffer): DataItem {
  try {
    return parseDataItem(raw)
  } catch (cause) {
    throw new SchedulerError('unavailable', 'An item of the log cannot be read.', { cause })
  }
}
