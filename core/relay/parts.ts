/** What a record is uploaded as: its item and its assignment, each by itself (contract, "Upload"). */
import { parseDataItem } from '../ans104/data-item.ts'
import type { WholeRecord } from './batch.ts'

export interface UploadPart {
  process: string
  nonce: number
  part: 'item' | 'assignment'
  id: string
  raw: Buffer
}

/** An assigned transaction has its assignment alone; a process without an assignment is the item alone. */
export function partsOf({ process, nonce, id, item, rawItem, assignment }: WholeRecord): UploadPart[] {
  const parts: UploadPart[] = []
  if (rawItem) parts.push({ process, nonce, part: 'item', id: item?.id ?? id, raw: rawItem })
  if (assignment) {
    parts.push({ process, nonce, part: 'assignment', id: assignmentId(assignment) ?? id, raw: assignment })
  }
  return parts
}

/** Undefined where the bytes are no data item: the bundler refuses it, and it becomes a dead letter. */
export function assignmentId(raw: Buffer): string | undefined {
  try {
    return parseDataItem(raw).id
  } catch {
    return undefined
  }
}
