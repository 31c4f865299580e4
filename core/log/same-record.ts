/** When two records are the same one, wherever the bytes of their items are kept. */
import { createHash } from 'node:crypto'
import type { LogRecord, StoredItem } from './record.ts'

export const sameRecord = (a: LogRecord, b: LogRecord): boolean =>
  a.process === b.process &&
  a.nonce === b.nonce &&
  a.kind === b.kind &&
  a.id === b.id &&
  a.timestamp === b.timestamp &&
  a.timeKey === b.timeKey &&
  a.blockHeight === b.blockHeight &&
  sameBytes(a.assignment, b.assignment) &&
  sameItem(a.item, b.item)

const sameBytes = (a: Buffer | undefined, b: Buffer | undefined): boolean =>
  a === undefined || b === undefined ? a === b : a.equals(b)

const sameItem = (a: StoredItem | undefined, b: StoredItem | undefined): boolean =>
  a === undefined || b === undefined ? a === b : a.id === b.id && digestOf(a).equals(digestOf(b))

const digestOf = (item: StoredItem): Buffer =>
  'raw' in item ? createHash('sha256').update(item.raw).digest() : item.blob.sha256
