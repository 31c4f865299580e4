/**
 * Whether a record is found by its ids, and would be refused a second time: rows that stand beside the record and must name its
 * place (docs/architecture.md, "Tables").
 */
import type { DataItem } from '../ans104/data-item.ts'
import { firstValue } from '../ans104/tags.ts'
import type { Place } from '../errors.ts'
import type { LogRecord } from '../log/record.ts'
import type { LogImport } from '../ports/log-import.ts'
import type { LogStore } from '../ports/log-store.ts'
import { messageDeepHash } from '../protocol/message-deep-hash.ts'
import type { Fault } from './fault.ts'

export interface LookupDeps {
  log: Pick<LogStore, 'find' | 'findItem'>
  imports: Pick<LogImport, 'deepHash'>
}

/**
 * A process is found by its head. Whether an assigned transaction has a deep hash, the log alone cannot tell.
 * @param assignmentId undefined where the assignment cannot be read
 * Fails with `unavailable`.
 */
export async function lookupFaults(
  { log, imports }: LookupDeps,
  record: LogRecord,
  { item, assignmentId }: { item: DataItem | undefined; assignmentId: string | undefined },
): Promise<Fault[]> {
  if (assignmentId === undefined) return []
  const { process, nonce, kind, id, timestamp } = record
  const own: Place = { assignment: assignmentId, nonce, timestamp }
  const assignmentAt = async (of: string): Promise<Place | undefined> =>
    (await log.find(of)).find((finding) => finding.process === process && finding.kind === 'assignment')?.place
  const pushed = kind === 'message' && item && firstValue(item, 'From-Process') !== undefined

  const [assignment, itself, hash] = await Promise.all([
    assignmentAt(assignmentId),
    kind === 'process' ? own : log.findItem(process, { kind, id }).then((finding) => finding?.place),
    pushed ? imports.deepHash(process, messageDeepHash(item)) : undefined,
  ])
  // While nobody checks, what says the same is taken again, and the first place stands.
  const earlier = hash && hash.nonce < nonce ? await assignmentAt(hash.assignment) : undefined
  const what = [
    difference(assignment, own, 'by its assignment'),
    difference(itself, own, kind === 'message' ? 'by its message' : 'by its transaction'),
    pushed ? difference(hash, earlier ?? own, 'by its deep hash') : undefined,
  ]
  return what.flatMap((text) => (text === undefined ? [] : [{ nonce, kind: 'lookup', what: text }]))
}

function difference(found: Place | undefined, own: Place, by: string): string | undefined {
  if (!found) return `is not found ${by}`
  if (found.nonce !== own.nonce) return `is found at nonce ${found.nonce} ${by}`
  const same = found.assignment === own.assignment && found.timestamp === own.timestamp
  return same ? undefined : `is found with another assignment or time ${by}`
}
