/**
 * From a record's metadata to a row that Postgres takes, whatever a message holds. Postgres knows no NUL and no lone
 * surrogate in text, and a row of a million tags would help nobody: what is kept is bounded, and says when it is short.
 */
import type { Tag } from '../../core/ans104/tags.ts'
import type { RecordMetadata } from '../../core/ports/metadata-index.ts'
import type { MessageRow, ProcessRow, TagColumn } from './schema.ts'

/** What is kept of an item's tags; in UTF-16 units where it is a length. docs/metadata.md names these. */
export const tagLimits = { count: 1000, name: 1024, value: 8192, all: 131_072 } as const

/** Ids and addresses have 43 characters. An index takes no more than 2,704 bytes, so that nothing longer gets there. */
const MAX_ID = 64

/** A row of each table; a process has one in both. */
export interface Rows {
  message: MessageRow
  process?: ProcessRow
  /** Size of the tags, to bound a statement. */
  size: number
}

export function encode(metadata: RecordMetadata): Rows {
  const { tags, short, size } = encodeTags(metadata.tags)
  const shortened = metadata.unreadable ? 'unreadable' : short ? 'tags' : null
  const fromItem = {
    owner: textOrNull(metadata.owner),
    bytes: metadata.bytes === undefined ? null : integer(metadata.bytes),
    tags,
    shortened,
  } as const
  return { ...rowsOf(metadata, fromItem, textOrNull(metadata.target)), size }
}

/** The place of a record and nothing of what it holds: what is kept when Postgres refuses the rest. */
export const encodePlace = (metadata: RecordMetadata): Rows => ({
  ...rowsOf(metadata, { owner: null, bytes: null, tags: {}, shortened: 'refused' }, null),
  size: 0,
})

type FromItem = Pick<MessageRow, 'owner' | 'bytes' | 'tags' | 'shortened'>

function rowsOf(metadata: RecordMetadata, fromItem: FromItem, target: string | null): Omit<Rows, 'size'> {
  const place = {
    assignmentId: textOrNull(metadata.assignmentId),
    timestamp: integer(metadata.timestamp),
    blockHeight: integer(metadata.blockHeight),
  }
  const message = {
    process: shortText(metadata.process),
    nonce: integer(metadata.nonce),
    kind: metadata.kind,
    id: shortText(metadata.id),
    timeKey: integer(metadata.timeKey),
    target,
    ...place,
    ...fromItem,
  }
  return metadata.kind === 'process' ? { message, process: { id: message.id, ...place, ...fromItem } } : { message }
}

function encodeTags(tags: readonly Tag[]): { tags: TagColumn; short: boolean; size: number } {
  // A map: a tag may be named like what every object has.
  const byName = new Map<string, string[]>()
  let size = 0
  let kept = 0
  for (const tag of tags) {
    const name = text(tag.name.slice(0, tagLimits.name))
    const value = text(tag.value.slice(0, tagLimits.value))
    size += name.length + value.length
    if (kept === tagLimits.count || size > tagLimits.all) return { tags: Object.fromEntries(byName), short: true, size }
    kept++
    const values = byName.get(name)
    if (values) values.push(value)
    else byName.set(name, [value])
  }
  const short = tags.some(({ name, value }) => name.length > tagLimits.name || value.length > tagLimits.value)
  return { tags: Object.fromEntries(byName), short, size }
}

/** U+2400 is the picture of a NUL; a surrogate without its other half becomes U+FFFD. */
const text = (value: string): string => value.replaceAll('\0', '\u2400').toWellFormed()

const shortText = (value: string): string => text(value.slice(0, MAX_ID))

const textOrNull = (value: string | undefined): string | null => (value === undefined ? null : shortText(value))

/** A number as 64 bits hold it. */
export const integer = (value: number): number =>
  Number.isNaN(value) ? 0 : Math.min(Math.max(Math.trunc(value), Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
