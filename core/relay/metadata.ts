/** The other effect: what is known of each record, without its data, into the index of metadata. */
import { ownerAddress, parseDataItem } from '../ans104/data-item.ts'
import { hasCode } from '../errors.ts'
import type { RecordMetadata } from '../ports/metadata-index.ts'
import { backOff } from './backoff.ts'
import type { RelayDeps } from './deps.ts'
import type { EffectOutcome, StretchRun } from './effect.ts'
import { assignmentId } from './parts.ts'
import type { Stretch, WholeRecord } from './stretch.ts'

/** So often an index that does not answer is asked in one attempt. */
const ATTEMPTS = 3

export async function indexStretch(
  { index, clock }: Pick<RelayDeps, 'index' | 'clock'>,
  { records, from, next }: Stretch,
  { deadline, impatient }: StretchRun,
): Promise<EffectOutcome> {
  const metadata = records.map(describeRecord)
  for (let attempt = 1; ; attempt++) {
    try {
      await index.index(metadata)
      return { done: next }
    } catch (error) {
      if (!hasCode(error, 'unavailable')) throw error
      if (impatient || attempt === ATTEMPTS || !(await backOff(clock, attempt, deadline))) {
        const { cause } = error
        return { done: from, trouble: cause instanceof Error ? cause.message : error.message }
      }
    }
  }
}

/** Never fails: bytes that cannot be read give a record that says so. */
export function describeRecord(record: WholeRecord): RecordMetadata {
  const { process, nonce, kind, id, timestamp, timeKey, blockHeight, assignment, rawItem } = record
  const place = { process, nonce, kind, id, timestamp, timeKey, blockHeight }
  const ownId = assignment && assignmentId(assignment)
  const assigned = ownId === undefined ? {} : { assignmentId: ownId }
  const unreadable = assignment !== undefined && ownId === undefined
  if (rawItem === undefined) return { ...place, ...assigned, ...(unreadable && { unreadable }), tags: [] }
  return { ...place, ...assigned, bytes: rawItem.length, ...describeItem(rawItem), ...(unreadable && { unreadable }) }
}

function describeItem(raw: Buffer): Pick<RecordMetadata, 'owner' | 'target' | 'tags' | 'unreadable'> {
  try {
    const { owner, target, tags } = parseDataItem(raw)
    return {
      owner: ownerAddress(owner),
      ...(target.length > 0 && { target: target.toString('base64url') }),
      tags,
    }
  } catch {
    return { tags: [], unreadable: true }
  }
}
