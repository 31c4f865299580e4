/** A record of the log as a page has it: rendered, or, where its item is a blob, all but that and how long it will be. */
import type { LogRecord } from '../log/record.ts'
import type { BlobRef } from '../ports/blob-store.ts'
import { assignmentText, itemPieces, itemText, nodeText, type RenderOptions } from './render.ts'

export type LogNode = {
  record: LogRecord
  /** Bytes of its node. */
  bytes: number
} & ({ node: Buffer; blob?: undefined } | { node?: undefined; blob: BlobNode })

/** All of a node but its item, which is a blob. */
export interface BlobNode {
  ref: BlobRef
  kind: LogRecord['kind']
  /** The assignment's half. */
  assignment: string
}

/** The node from its item's bytes, in pieces: as a whole it may be eleven times as large as these. */
export function* completeNode({ kind, assignment }: BlobNode, raw: Buffer): Generator<Buffer> {
  yield Buffer.from('{"message":')
  for (const piece of itemPieces({ kind }, raw)) yield Buffer.from(piece)
  yield Buffer.from(`,"assignment":${assignment}}`)
}

/** Fails with `unavailable` where the record cannot be read. */
export function logNodeOf(record: LogRecord, options: RenderOptions): LogNode {
  const { item } = record
  const assignment = assignmentText(record, options)
  if (item !== undefined && 'blob' in item) {
    const bytes = Buffer.byteLength(nodeText('', assignment)) + item.renderedBytes
    return { record, bytes, blob: { ref: item.blob, kind: record.kind, assignment } }
  }
  const node = Buffer.from(nodeText(itemText(record, item?.raw), assignment))
  return { record, bytes: node.length, node }
}
