/** The sink `metadata`: what is known of each record, without its data, into the index of metadata. */
import { ownerAddress, parseDataItem } from '../ans104/data-item.ts'
import { hasCode } from '../errors.ts'
import type { RecordMetadata } from '../ports/metadata-index.ts'
import type { WholeRecord } from './batch.ts'
import type { RelayDeps } from './deps.ts'
import { type Naps, napBefore } from './pace.ts'
import { assignmentId } from './parts.ts'
import { isPassed, owedPart, type SinkOutcome, type Turn } from './sink.ts'

/** An index that does not answer is asked so often in a turn. */
const ATTEMPTS = 3

/** A batch at a time. A record that cannot be read becomes owed; where the index does not answer, the watermark waits. */
export async function indexFrom(turn: Turn, from: number, next: number): Promise<SinkOutcome> {
  const { deps } = turn
  for (let position = from; position < next && deps.clock.now() < turn.deadline; ) {
    const { entries } = await turn.read(position, next)
    const stuck = entries.findIndex((entry) => entry.unread && !isPassed(turn, 'metadata', entry.nonce, entry.unread))
    const reached = stuck < 0 ? entries : entries.slice(0, stuck)
    const whole = reached.flatMap(({ record, unread }) => (unread ? [] : [record]))
    if (whole.length > 0) {
      const trouble = await indexRecords(deps, whole, turn.naps)
      if (trouble !== undefined) return { trouble: { nonce: position, reason: trouble } }
    }
    const lost = reached.flatMap(({ nonce, unread }) =>
      unread ? [owedPart(turn, { sink: 'metadata', nonce, part: 'record', reason: unread.reason }, 0)] : [],
    )
    if (lost.length > 0) {
      await deps.store.owe(lost)
      deps.meter.count('parts_owed', lost.length)
    }
    position += reached.length
    await turn.moveTo('metadata', position)
    const { nonce, unread } = entries[stuck] ?? {}
    if (nonce !== undefined && unread) return { trouble: { nonce, reason: unread.reason } }
  }
  return {}
}

/** Why the index did not take these records, if it did not. */
export async function indexRecords(
  { index, clock }: Pick<RelayDeps, 'index' | 'clock'>,
  records: readonly WholeRecord[],
  naps: Naps,
): Promise<string | undefined> {
  const metadata = records.map(describeRecord)
  for (let attempt = 1; ; attempt++) {
    try {
      await index.index(metadata)
      return undefined
    } catch (error) {
      if (!hasCode(error, 'unavailable')) throw error
      if (attempt < ATTEMPTS && (await napBefore(naps, clock, attempt))) continue
      const { cause } = error
      return cause instanceof Error ? cause.message : error.message
    }
  }
}

/** Does not throw: bytes that cannot be read give a record that says so. */
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
