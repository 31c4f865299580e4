/** A record of the log as a page has it: rendered, or, where its item is a blob, all but that and how long it will be. */
import type { LogRecord } from '../log/record.ts'
import type { BlobRef } from '../ports/blob-store.ts'
import { assignmentText, itemText, nodeText, type RenderOptions } from './render.ts'

export type LogNode = {
  record: LogRecord
  /** Bytes of its node. */
  bytes: number
} & (
  | { node: Buffer; blob?: undefined }
  /** Where the item is, and the node from its bytes. */
  | { node?: undefined; blob: { ref: BlobRef; complete(raw: Buffer): Buffer } }
)

/** Fails with `unavailable` where the record cannot be read. */
export function logNodeOf(record: LogRecord, options: RenderOptions): LogNode {
  const { item } = record
  const assignment = assignmentText(record, options)
  if (item !== undefined && 'blob' in item) {
    const complete = (raw: Buffer) => Buffer.from(nodeText(itemText(record, raw), assignment))
    const bytes = Buffer.byteLength(nodeText('', assignment)) + item.renderedBytes
    return { record, bytes, blob: { ref: item.blob, complete } }
  }
  const node = Buffer.from(nodeText(itemText(record, item?.raw), assignment))
  return { record, bytes: node.length, node }
}
