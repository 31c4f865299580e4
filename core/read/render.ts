/**
 * The exact JSON text of what the unit serves (contract, "JSON shapes, keys in this order"). Texts are put together by
 * hand, not from objects: a page of a thousand records is rendered while its reader waits.
 */
import { isUtf8 } from 'node:buffer'
import { LRUCache } from 'lru-cache'
import { type DataItem, ownerAddress, parseDataItem } from '../ans104/data-item.ts'
import type { Tag } from '../ans104/tags.ts'
import { SchedulerError } from '../errors.ts'
import type { LogRecord } from '../log/record.ts'
import { paddedHeight } from '../protocol/assignment.ts'

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
export function itemText({ kind }: Pick<LogRecord, 'kind'>, raw: Buffer | undefined): string {
  if (kind === 'transaction' || raw === undefined) return 'null'
  const item = readStored(raw)
  return kind === 'process' ? processMessageText(item) : messageText(item)
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
  return `{"id":"${id}","owner":${ownerText(owner)},"tags":${tagsText(tags)},"signature":"${base64url(signature)}","anchor":${shownAnchor},"target":${target}}`
}

/** `GET /processes/{id}` from the process's record and its raw item. */
export function processText(record: Pick<LogRecord, 'assignment' | 'timestamp' | 'blockHeight'>, raw: Buffer): string {
  const item = readStored(raw)
  const { id, owner, tags, signature, anchor } = item
  const data = record.assignment === undefined ? 'null' : processDataText(item)
  return `{"process_id":"${id}","block":"${paddedHeight(record.blockHeight)}","owner":${ownerText(owner)},"tags":${tagsText(tags)},"timestamp":${record.timestamp},"data":${data},"anchor":${anchorText(anchor)},"signature":"${base64url(signature)}","target":${processTargetText(item)}}`
}

/** Bytes of the item as it stands in a page: what a record must say of an item that is kept in the blob store. */
export const renderedItemBytes = ({ kind }: Pick<LogRecord, 'kind'>, item: DataItem): number =>
  Buffer.byteLength(kind === 'process' ? processMessageText(item) : messageText(item))

const messageText = (item: DataItem): string => {
  // What is not UTF-8 becomes U+FFFD, and a byte-order mark stays: Buffer does both as the reference does.
  const data = JSON.stringify(item.data.toString('utf8'))
  return itemFieldsText(item, data, `"${base64url(item.target)}"`)
}

const processMessageText = (item: DataItem): string =>
  itemFieldsText(item, processDataText(item), processTargetText(item))

const itemFieldsText = ({ id, owner, tags, signature, anchor }: DataItem, data: string, target: string): string =>
  `{"id":"${id}","owner":${ownerText(owner)},"data":${data},"tags":${tagsText(tags)},"signature":"${base64url(signature)}","anchor":${anchorText(anchor)},"target":${target}}`

const processDataText = ({ data }: DataItem): string => (isUtf8(data) ? JSON.stringify(data.toString('utf8')) : 'null')

const processTargetText = ({ target }: DataItem): string => (target.length === 0 ? 'null' : `"${base64url(target)}"`)

const anchorText = (anchor: Buffer): string =>
  anchor.length === 0 || !isUtf8(anchor) ? 'null' : JSON.stringify(anchor.toString('utf8'))

const base64url = (bytes: Buffer): string => bytes.toString('base64url')

/** A tag has a name and a value, in this order, and nothing else. */
const tagsText = (tags: readonly Tag[]): string => JSON.stringify(tags)

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
