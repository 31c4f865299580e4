/**
 * Rows of the records table, one per nonce, each with a partition key of its own: a hot process then spreads over the
 * whole table. An assignment of our own wallet is kept as the few parts that nothing else gives (signature, anchor, chain);
 * any other one (migrated) is kept whole.
 */
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import { assembleDataItem } from '../../core/ans104/assemble.ts'
import { parseDataItem } from '../../core/ans104/data-item.ts'
import type { Tag } from '../../core/ans104/tags.ts'
import { hasCode } from '../../core/errors.ts'
import type { LogRecord, StoredItem } from '../../core/log/record.ts'
import { assignmentTags, readAssignment } from '../../core/protocol/assignment.ts'
import type { Attributes } from './head-row.ts'

interface RecordRow extends ItemAttributes {
  pk: string
  kind: LogRecord['kind']
  time: number
  /** Only where it differs from `time`. */
  key?: number
  height: number
  /** The assignment's parts. */
  sig?: Uint8Array
  anchor?: Uint8Array
  chain?: Uint8Array
  epoch?: number
  exclude?: string[]
  /** The whole assignment, where the parts would not give its bytes again. */
  raw?: Uint8Array
}

export const recordKey = (process: string, nonce: number): string => `${process}/${nonce}`

/** What a key names; undefined for one that is no record's (the log's own row). */
export function readRecordKey(key: string): { process: string; nonce: number } | undefined {
  const [process = '', nonce] = key.split('/')
  return nonce === undefined ? undefined : { process, nonce: Number(nonce) }
}

/** Bytes of a row beside its item and its excludes, at most: what a packer of commits reckons with. */
export const RECORD_OVERHEAD = 1_024

export interface RecordRows {
  toRow(record: LogRecord): Attributes
  fromRow(attributes: Attributes, process: string, nonce: number): LogRecord
}

/** @param owner public key of the unit's own wallet, 512 bytes, which no row repeats */
export function recordRows(owner: Buffer): RecordRows {
  return {
    toRow(record) {
      const row: RecordRow = {
        pk: recordKey(record.process, record.nonce),
        kind: record.kind,
        time: record.timestamp,
        height: record.blockHeight,
        ...(record.timeKey !== record.timestamp && { key: record.timeKey }),
        ...itemAttributes(record.id, record.item),
        ...(record.assignment && (assignmentParts(record, record.assignment, owner) ?? { raw: record.assignment })),
      }
      return marshall(row, { removeUndefinedValues: true })
    },
    fromRow(attributes, process, nonce) {
      const row = unmarshall(attributes) as RecordRow
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

/** How a row says which item it is about: the item itself, or its id and where it is, if it is anywhere. */
export interface ItemAttributes {
  /** Id of the item or the transaction; not where the item itself is in the row. */
  id?: string
  /** The raw item. */
  item?: Uint8Array
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
    const { id, raw } = parseDataItem(Buffer.from(row.item))
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
  if (row.raw) return Buffer.from(row.raw)
  if (!row.sig || !row.anchor || !row.chain) return undefined
  return assembleDataItem({
    signatureType: 1,
    signature: Buffer.from(row.sig),
    owner,
    anchor: Buffer.from(row.anchor),
    tags: assignmentTags({
      process,
      epoch: row.epoch ?? 0,
      nonce,
      hashChain: Buffer.from(row.chain),
      blockHeight: row.height,
      timestamp: row.time,
      exclude: row.exclude ?? [],
      ...(row.kind !== 'process' && { message: id }),
    }),
  })
}
