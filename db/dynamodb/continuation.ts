/**
 * Records whose row would be larger than DynamoDB takes: another unit's assignment may carry a whole message. Its bytes stand in
 * rows of their own beside the record's, which says how many these are and what they give. They are written first, so that a row
 * that continues is whole as soon as it is there. Their keys name what is in them: an attempt that never got to its record leaves
 * rows that nobody reads, and that are in nobody's way.
 */
import { createHash } from 'node:crypto'
import pMap from 'p-map'
import { asBuffer, bytesAt, numberAt } from './attributes.ts'
import { batchGet } from './batch-get.ts'
import type { DynamoDb } from './client.ts'
import type { Attributes } from './head-row.ts'

const CHUNK_BYTES = 350_000
/** More than that no row says. */
const MAX_ROWS = 1_000
/** Of 350 KB each, so that a call is answered within the time that it has. */
const KEYS_A_CALL = 8
const ROWS_AT_ONCE = 2

/** What continues the rows of one answer has about so many bytes at most, unless it is one row's: so memory stays flat. */
export const MAX_CONTINUED_BYTES = 8_000_000

/** How a row says what continues it. */
export interface Continued {
  /** Of all the bytes. */
  sha256: Uint8Array
  bytes: number
  /** Rows that have them, in equal parts. */
  rows: number
}

/** A row whose continuation is missing, or is not what the row says. */
export class DamagedRow extends Error {}

/** What the row is to say, and the rows that are to be there before it. */
export function continuation(pk: string, raw: Buffer): { continued: Continued; rows: Attributes[] } {
  const rows = Math.ceil(raw.length / CHUNK_BYTES)
  const continued = { sha256: createHash('sha256').update(raw).digest(), bytes: raw.length, rows }
  const size = Math.ceil(raw.length / rows)
  const chunks = keysOf(pk, continued).map((key, index) => ({
    pk: { S: key },
    part: { B: raw.subarray(index * size, (index + 1) * size) },
  }))
  return { continued, rows: chunks }
}

/** Each names all that decides its bytes. */
const keysOf = (pk: string, { sha256, rows }: Continued): string[] => {
  const digest = asBuffer(sha256).toString('base64url')
  return Array.from({ length: rows }, (_, index) => `${pk}#${digest}#${index + 1}-${rows}`)
}

/** Undefined for a row that is whole. Throws DamagedRow. */
export function continuedOf({ pk, continued }: Attributes): Continued | undefined {
  if (continued === undefined) return undefined
  const { M = {} } = continued
  const [sha256, bytes, rows] = [bytesAt(M, 'sha256'), numberAt(M, 'bytes'), numberAt(M, 'rows')]
  if (sha256 && bytes !== undefined && rows !== undefined && rows > 0 && rows <= MAX_ROWS)
    return { sha256, bytes, rows }
  throw new DamagedRow(`the row ${pk?.S} does not say how it continues`)
}

interface CompleteOptions {
  /** Otherwise only what is missing is read consistently. */
  consistent: boolean
}

/** These rows with what continues them as `raw`, in the same order. Throws DamagedRow, and what the SDK throws. */
export async function completeRows(
  db: DynamoDb<'records'>,
  rows: readonly Attributes[],
  options: CompleteOptions,
): Promise<readonly Attributes[]> {
  if (!rows.some(continues)) return rows
  return pMap(rows, (row) => (continues(row) ? completeRow(db, row, options) : row), { concurrency: ROWS_AT_ONCE })
}

export const continues = ({ continued }: Attributes): boolean => continued !== undefined

/** The same of one row. */
export async function completeRow(
  db: DynamoDb<'records'>,
  row: Attributes,
  { consistent }: CompleteOptions,
): Promise<Attributes> {
  const continued = continuedOf(row)
  if (!continued) return row
  const keys = keysOf(row.pk?.S ?? '', continued)
  const found = await partsOf(db, keys, consistent)
  const missing = keys.filter((key) => !found.has(key))
  if (missing.length > 0 && !consistent) {
    for (const [key, part] of await partsOf(db, missing, true)) found.set(key, part)
  }
  const parts = keys.map((key) => found.get(key))
  const raw = Buffer.concat(parts.flatMap((part) => part ?? []))
  if (raw.length !== continued.bytes || !createHash('sha256').update(raw).digest().equals(continued.sha256)) {
    throw new DamagedRow(`what continues the row ${row.pk?.S} is missing or altered`)
  }
  return { ...row, raw: { B: raw } }
}

/** Of rows of a continuation those of which other bytes are there than these. Throws what the SDK throws. */
export async function alteredParts(db: DynamoDb<'records'>, rows: readonly Attributes[]): Promise<Attributes[]> {
  const altered: Attributes[] = []
  for (let at = 0; at < rows.length; at += KEYS_A_CALL) {
    const some = rows.slice(at, at + KEYS_A_CALL)
    const keys = some.flatMap(({ pk }) => pk?.S ?? [])
    const found = await partsOf(db, keys, true)
    altered.push(...some.filter(({ pk, part }) => !part?.B || !found.get(pk?.S ?? '')?.equals(part.B)))
  }
  return altered
}

async function partsOf(
  db: DynamoDb<'records'>,
  keys: readonly string[],
  consistent: boolean,
): Promise<Map<string, Buffer>> {
  const asked = keys.map((pk) => ({ pk: { S: pk } }))
  const parts = new Map<string, Buffer>()
  for (const row of await batchGet(db, db.tables.records, asked, { consistent, keysACall: KEYS_A_CALL })) {
    const part = bytesAt(row, 'part')
    if (row.pk?.S !== undefined && part) parts.set(row.pk.S, part)
  }
  return parts
}
