/** The bytes of an audited record's item, wherever they are kept, and whether what the record says of them is so. */
import type { DataItem } from '../ans104/data-item.ts'
import type { LogRecord } from '../log/record.ts'
import { type BodyInspection, isDamage } from '../ports/log-inspection.ts'
import { renderedItemBytes } from '../read/render.ts'
import type { Fault } from './fault.ts'
import { readable } from './item-facts.ts'

export interface AuditedItem {
  item: DataItem | undefined
  faults: Fault[]
}

/** Fails with `unavailable`. */
export async function auditedItem(bodies: BodyInspection, record: LogRecord): Promise<AuditedItem> {
  const { nonce, item: stored, id } = record
  const fault = (kind: Fault['kind'], what: string): Fault => ({ nonce, kind, what })
  if (!stored) return { item: undefined, faults: [] }
  if ('raw' in stored) return { item: readable(stored.raw), faults: [] }
  const raw = await bodies.body(stored.blob)
  if (isDamage(raw)) {
    const what = raw.damage === 'missing' ? 'has lost the body of its item' : 'has a body that was altered'
    return { item: undefined, faults: [fault(raw.damage, what)] }
  }
  const item = readable(raw)
  const faults: Fault[] = []
  if (stored.blob.id !== id) faults.push(fault('item', 'keeps its item under another id'))
  if (raw.length !== stored.blob.bytes) faults.push(fault('item', 'says another length of its item'))
  // By this is decided where a page ends, before a body is read.
  if (
    item &&
    record.kind !== 'transaction' &&
    renderedItemBytes({ kind: record.kind }, item) !== stored.renderedBytes
  ) {
    faults.push(fault('item', 'says another length of its item as a page shows it'))
  }
  return { item, faults }
}
