/** Where a process's log begins to lack something that its head covers. */
import { assignmentId } from '../relay/parts.ts'
import type { RestoreDeps } from './deps.ts'
import { range } from './fill.ts'
import type { Known } from './survey.ts'

const NONCES_AT_ONCE = 100

/**
 * The lowest nonce that has no record, or cannot be found by its assignment; `next` where nothing is missing. What a backup lacks is
 * the end, so it is looked for from there, until as much has been found as the survey missed.
 */
export async function lowestMissing(
  { restore }: Pick<RestoreDeps, 'restore'>,
  process: string,
  { next, firstNonce }: { next: number; firstNonce: number },
  { records, assignments, ends }: Known,
): Promise<number> {
  // What is there beyond the head was counted with the rest.
  const beyond = (end: number) => Math.max(0, end - next)
  let missingRecords = next - firstNonce - (records - beyond(ends.records))
  let missingIds = Math.max(0, next) - (assignments - beyond(ends.ids))
  let lowest = next
  for (let to = next; to > firstNonce && (missingRecords > 0 || missingIds > 0); ) {
    const from = Math.max(firstNonce, to - NONCES_AT_ONCE)
    const found = new Map((await restore.recordsAt(process, range(from, to))).map((record) => [record.nonce, record]))
    const ids = new Map<string, number>()
    for (const nonce of range(from, to)) {
      const record = found.get(nonce)
      const id = record?.assignment && assignmentId(record.assignment)
      if (id !== undefined) ids.set(id, nonce)
      if (record) continue
      lowest = Math.min(lowest, nonce)
      missingRecords--
      // Whether there is a row of an assignment that nobody knows cannot be told: it is taken for missing too.
      if (nonce >= 0) missingIds--
    }
    for (const id of await restore.notFound(process, [...ids.keys()])) {
      lowest = Math.min(lowest, ids.get(id) ?? next)
      missingIds--
    }
    to = from
  }
  return lowest
}
