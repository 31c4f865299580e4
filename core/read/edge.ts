/** One edge of a page: its text, or, where the item is a blob, all but the item and how long that will be. */
import type { LogRecord } from '../log/record.ts'
import type { BlobRef } from '../ports/blob-store.ts'
import type { PageQuery } from './query.ts'
import { assignmentText, itemText, nodeText } from './render.ts'

export type Edge = {
  nonce: number
  timeKey: number
  /** Bytes of its text. */
  bytes: number
} & (
  | { text: string; blob?: undefined }
  /** Where the item is, and the text from its bytes. */
  | { text?: undefined; blob: { ref: BlobRef; complete(raw: Buffer): string } }
)

/** Fails with `unavailable` where the record cannot be read. */
export function edgeOf(record: LogRecord, query: Pick<PageQuery, 'by' | 'showAnchor'>): Edge {
  const { nonce, timeKey, item } = record
  const cursor = query.by === 'nonce' ? nonce : timeKey
  const assignment = assignmentText(record, query)
  if (item !== undefined && 'blob' in item) {
    const complete = (raw: Buffer) => edgeText(itemText(record, raw), assignment, cursor)
    const bytes = Buffer.byteLength(edgeText('', assignment, cursor)) + item.renderedBytes
    return { nonce, timeKey, bytes, blob: { ref: item.blob, complete } }
  }
  const text = edgeText(itemText(record, item?.raw), assignment, cursor)
  return { nonce, timeKey, bytes: Buffer.byteLength(text), text }
}

const edgeText = (item: string, assignment: string, cursor: number): string =>
  `{"node":${nodeText(item, assignment)},"cursor":"${cursor}"}`
