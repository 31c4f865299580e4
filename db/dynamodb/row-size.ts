/** How large a row is, and may be. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Attributes } from './head-row.ts'

/** 400 KB. */
export const MAX_ROW_BYTES = 409_600

/** Bytes of a row as DynamoDB counts them, about: a number counts as the most that it may take. */
export const rowBytes = (row: Attributes): number =>
  Object.entries(row).reduce((sum, [name, value]) => sum + name.length + valueBytes(value), 0)

function valueBytes({ S, B, M, L }: AttributeValue): number {
  if (S !== undefined) return Buffer.byteLength(S)
  if (B !== undefined) return B.length
  if (M !== undefined) return 3 + rowBytes(M)
  if (L !== undefined) return 3 + L.reduce((sum, value) => sum + 1 + valueBytes(value), 0)
  return 21
}
