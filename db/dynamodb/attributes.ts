/** Single attributes of a row as they are wanted: bytes as views, not copies. Undefined where a row has none of that type by that name. */
import type { Attributes } from './head-row.ts'

export const textAt = (row: Attributes, name: string): string | undefined => row[name]?.S

export function numberAt(row: Attributes, name: string): number | undefined {
  const text = row[name]?.N
  return text === undefined ? undefined : Number(text)
}

export function bytesAt(row: Attributes, name: string): Buffer | undefined {
  const bytes = row[name]?.B
  return bytes && asBuffer(bytes)
}

/** A list of strings; what else is in it is passed over. */
export const textsAt = (row: Attributes, name: string): string[] | undefined =>
  row[name]?.L?.flatMap(({ S }) => (S === undefined ? [] : [S]))

export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
