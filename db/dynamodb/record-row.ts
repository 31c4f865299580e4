/**
 * Rows of the records table, one per nonce, each with a partition key of its own: a hot process then spreads over the
 * whole table. An assignment of our own wallet is kept as the few parts that nothing else gives (signature, anchor, chain);
 * any other one (migrated) is kept whole, beside the row where it does not fit into it (`continuation.ts`).
 */
import { marshall } from '@aws-sdk/util-dynamodb'
import { assembleDataItem } from '../../core/ans104/assemble.ts'
import { parseDataItem } from '../../core/ans104/data-item.ts'
import type { Tag } from '../../core/ans104/tags.ts'
import { hasCode } from '../../core/errors.ts'
import type { LogRecord, StoredItem } from '../../core/log/record.ts'
import { assignmentTags, readAssignment } from '../../core/protocol/assignment.ts'
import { asBuffer, bytesAt, numberAt, textAt, textsAt } from './attributes.ts'
import { type Continued, continuation, continues } from './continuation.ts'
import type { Attributes } from './head-row.ts'
import { MAX_ROW_BYTES, rowBytes } from './row-size.ts'

interface RecordRow extends ItemAttributes {
  pk: string
  kind: LogRecord['kind']
  time: number
  /** Only where it differs from `time`. */
  key?: number | undefined
  height: number
  /** The assignment's parts. */
  sig?: Uint8Array | undefined
  anchor?: Uint8Array | undefined
  chain?: Uint8Array | undefined
  epoch?: number | undefined
  exclude?: string[] | undefined
  /** The whole assignment, where the parts would not give its bytes again. */
  raw?: Uint8Array | undefined
  /** Where the whole assignment is instead, if it does not fit. */
  continued?: Continued
}

export const recordKey = (process: string, nonce: number): string => `${process}/${nonce}`

/** What a key names; undefined for one that is no record's (the log's own row, a continuation). */
export function readRecordKey(key: string): { process: string; nonce: number } | undefined {
  const [process = '', nonce] = key.split('/')
  return nonce === undefined || nonce.includes('#') ? undefined : { process, nonce: Number(nonce) }
}

/** Bytes of a row beside its item and its excludes, at most: what a packer of commits reckons with. */
export const RECORD_OVERHEAD = 1_024

export interface RecordRows {
  /** Of a record of our own, which always fits. */
  toRow(record: LogRecord): Attributes
  /** Of any record: its row, and the rows that continue it, which are to be there before it. */
  toRows(record: LogRecord): { row: Attributes; continuation: Attributes[] }
  /** A row that continues must have been completed. */
  fromRow(attributes: Attributes, process: string, nonce: number): LogRecord
}

/** @param owner public key of the unit's own wallet, 512 bytes, which no row repeats */
export function recordRows(owner: Buffer): RecordRows {
  const toRow = (record: LogRecord): Attributes =>
    rowOf(
      record,
      record.assignment && (assignmentParts(record, record.assignment, owner) ?? { raw: record.assignment }),
    )
  return {
    toRow,
    toRows(record) {
      const row = toRow(record)
      if (!record.assignment || rowBytes(row) <= MAX_ROW_BYTES) return { row, continuation: [] }
      const { continued, rows } = continuation(recordKey(record.process, record.nonce), record.assignment)
      return { row: rowOf(record, { continued }), continuation: rows }
    },
    fromRow(attributes, process, nonce) {
      if (continues(attributes) && !attributes.raw)
        throw new Error(`the row ${attributes.pk?.S} is not all of the record`)
      const row = readRow(attributes)
      const item = itemOf(row)
      const id = row.id ?? item?.id
      if (id === undefined) throw new Error(`the row ${row.pk} names no item`)
      const assignment = assignmentOf(row, process, nonce, id, owner)
      return {
        process,
        nonce,
        kind: row.kind,
        id,
        timestamp: row.time,
        timeKey: row.key ?? row.time,
        blockHeight: row.height,
        ...(item && { item }),
        ...(assignment && { assignment }),
      }
    },
  }
}

function rowOf(record: LogRecord, assignment: Partial<RecordRow> | undefined): Attributes {
  const row: RecordRow = {
    pk: recordKey(record.process, record.nonce),
    kind: record.kind,
    time: record.timestamp,
    height: record.blockHeight,
    ...(record.timeKey !== record.timestamp && { key: record.timeKey }),
    ...itemAttributes(record.id, record.item),
    ...assignment,
  }
  return marshall(row, { removeUndefinedValues: true })
}

/** As `unmarshall` would read it, without copying the bytes: a page reads up to a thousand of them. */
function readRow(attributes: Attributes): RecordRow {
  const kind = textAt(attributes, 'kind')
  const [time, height] = [numberAt(attributes, 'time'), numberAt(attributes, 'height')]
  const pk = textAt(attributes, 'pk') ?? ''
  if (!isKind(kind) || time === undefined || height === undefined) throw new Error(`the row ${pk} is no record`)
  const blob = attributes.blob?.M
  const [sha256, bytes, rendered] = blob
    ? [bytesAt(blob, 'sha256'), numberAt(blob, 'bytes'), numberAt(blob, 'rendered')]
    : []
  return {
    pk,
    kind,
    time,
    height,
    key: numberAt(attributes, 'key'),
    id: textAt(attributes, 'id'),
    item: bytesAt(attributes, 'item'),
    ...(sha256 && bytes !== undefined && rendered !== undefined && { blob: { sha256, bytes, rendered } }),
    sig: bytesAt(attributes, 'sig'),
    anchor: bytesAt(attributes, 'anchor'),
    chain: bytesAt(attributes, 'chain'),
    epoch: numberAt(attributes, 'epoch'),
    exclude: textsAt(attributes, 'exclude'),
    raw: bytesAt(attributes, 'raw'),
  }
}

const isKind = (kind: string | undefined): kind is LogRecord['kind'] =>
  kind === 'message' || kind === 'process' || kind === 'transaction'

/** How a row says which item it is about: the item itself, or its id and where it is, if it is anywhere. */
export interface ItemAttributes {
  /** Id of the item or the transaction; not where the item itself is in the row. */
  id?: string | undefined
  /** The raw item. */
  item?: Uint8Array | undefined
  /** Where the item is in the blob store instead: digest, length, rendered length. */
  blob?: { sha256: Uint8Array; bytes: number; rendered: number }
}

export function itemAttributes(id: string, item: StoredItem | undefined): ItemAttributes {
  if (!item) return { id }
  if ('raw' in item) return { item: item.raw }
  return { id, blob: { sha256: item.blob.sha256, bytes: item.blob.bytes, rendered: item.renderedBytes } }
}

export function itemOf(row: ItemAttributes): StoredItem | undefined {
  if (row.item) {
    const { id, raw } = parseDataItem(asBuffer(row.item))
    return { id, raw }
  }
  if (!row.blob || row.id === undefined) return undefined
  const { sha256, bytes, rendered } = row.blob
  return { id: row.id, blob: { id: row.id, sha256: Buffer.from(sha256), bytes }, renderedBytes: rendered }
}

/** The parts, if putting them together again gives the very same bytes; checked, not assumed. */
function assignmentParts(record: LogRecord, raw: Buffer, owner: Buffer): Partial<RecordRow> | undefined {
  const { signature, anchor, tags } = parseDataItem(raw)
  const fields = ourFields(tags)
  if (!fields) return undefined
  const row = {
    pk: '',
    kind: record.kind,
    time: record.timestamp,
    height: record.blockHeight,
    sig: signature,
    anchor,
    chain: fields.hashChain,
    ...(fields.epoch !== 0 && { epoch: fields.epoch }),
    ...(fields.exclude.length > 0 && { exclude: [...fields.exclude] }),
  }
  const again = assignmentOf(row, record.process, record.nonce, record.id, owner)
  if (!again?.equals(raw)) return undefined
  const { sig, chain, epoch, exclude } = row
  return { sig, anchor, chain, ...(epoch !== undefined && { epoch }), ...(exclude && { exclude }) }
}

/** Undefined where these are not an assignment's tags as we write them (migrated shapes). */
function ourFields(tags: readonly Tag[]) {
  try {
    return readAssignment(tags)
  } catch (error) {
    if (hasCode(error, 'invalid-item')) return undefined
    throw error
  }
}

function assignmentOf(row: RecordRow, process: string, nonce: number, id: string, owner: Buffer): Buffer | undefined {
  if (row.raw) return asBuffer(row.raw)
  if (!row.sig || !row.anchor || !row.chain) return undefined
  return assembleDataItem({
    signatureType: 1,
    signature: asBuffer(row.sig),
    owner,
    anchor: asBuffer(row.anchor),
    tags: assignmentTags({
      process,
      epoch: row.epoch ?? 0,
      nonce,
      hashChain: asBuffer(row.chain),
      blockHeight: row.height,
      timestamp: row.time,
      exclude: row.exclude ?? [],
      ...(row.kind !== 'process' && { message: id }),
    }),
  })
}
