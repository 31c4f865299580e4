/** What an id names, for `GET /{id}` (contract, "One record by id"). */
import { isId } from '../ans104/base64url.ts'
import { SchedulerError } from '../errors.ts'
import type { Head, LogRecord } from '../log/record.ts'
import type { Finding, LogStore } from '../ports/log-store.ts'
import { type ReadDeps, timed } from './deps.ts'
import { outOfPlace, readRecord } from './read-records.ts'
import { readable } from './readable-head.ts'

export type Found =
  /** A process that is known here: its schedule is meant. */
  | { kind: 'schedule'; head: Head }
  | {
      kind: 'record'
      record: LogRecord
      /** Whether the same question will have this answer for ever. */
      immutable: boolean
    }

/**
 * @param named the process that the caller names, if any; may be anything, and is only a preference. A message that was
 *   posted there is found by one row, however many processes have it.
 * Fails with `not-found`; `incomplete` where the record's process is still being migrated; `unavailable`.
 */
export async function find(
  deps: Pick<ReadDeps, 'log' | 'meter' | 'clock'>,
  id: string,
  named: string | undefined,
): Promise<Found> {
  if (!isId(id)) throw notFound()
  const { log } = deps
  const preferred = named !== undefined && named !== id && isId(named) ? named : undefined
  // A caller that names the process it asks for wants its schedule. Any other question goes out beside that for the head.
  const anywhere = preferred === undefined && named !== id ? log.find(id) : undefined
  const posted = preferred === undefined ? undefined : log.findItem(preferred, { kind: 'message', id })
  // If the process is known, these answers are not needed, nor their failures.
  for (const answer of [anywhere, posted]) answer?.catch(() => undefined)
  const head = await log.head(id)
  if (head !== undefined) return { kind: 'schedule', head }

  return timed(deps, 'get_message', async () => {
    const own = await posted
    const record = own && (await recordOf(log, own, id))
    if (own && record) return { kind: 'record', record, immutable: isSettled(own, named) }
    for (const finding of inOrder(await (anywhere ?? findings(log, id, preferred)), named)) {
      const record = await recordOf(log, finding, id)
      if (record !== undefined) return { kind: 'record', record, immutable: isSettled(finding, named) }
    }
    throw notFound()
  })
}

/** The places of an id, also that of a transaction in the preferred process, which need not be among the first ones. */
async function findings(log: LogStore, id: string, preferred: string | undefined): Promise<Finding[]> {
  const [own, anywhere] = await Promise.all([
    preferred === undefined ? undefined : log.findItem(preferred, { kind: 'transaction', id }),
    log.find(id),
  ])
  return own ? [own, ...anywhere] : anywhere
}

const notFound = () => new SchedulerError('not-found', 'No message, assignment or process with this id is known here.')

const rank = { assignment: 0, posted: 1, assigned: 2 } as const

/** The findings as preferred: an assignment's own id, then a message, then a transaction; each in the named process first, then the oldest. */
function inOrder(findings: readonly Finding[], named: string | undefined): Finding[] {
  const elsewhere = (finding: Finding) => (finding.process === named ? 0 : 1)
  return findings.toSorted((a, b) => rank[a.kind] - rank[b.kind] || elsewhere(a) - elsewhere(b))
}

/**
 * An assignment has an id of its own, and where a message was posted in the process that is named, nothing comes before that.
 * A transaction may still be posted, or assigned to the process that is named; and where none is named, the oldest place of a
 * message counts, which a migration may still bring.
 */
const isSettled = ({ kind, process }: Finding, named: string | undefined): boolean =>
  kind === 'assignment' || (kind === 'posted' && process === named)

/**
 * The record, if its process's head covers it: a migration copies records before the head that makes them count.
 * Fails with `incomplete` and `unavailable`.
 */
async function recordOf(log: LogStore, { kind, process, place }: Finding, id: string): Promise<LogRecord | undefined> {
  const reading = readRecord(log, process, place.nonce)
  // Whether the record should be there at all is the head's to say.
  reading.catch(() => undefined)
  const head = await log.head(process)
  if (head === undefined || place.nonce >= readable(head).next) return undefined
  const record = await reading
  if (record.timestamp !== place.timestamp || (kind !== 'assignment' && record.id !== id)) throw outOfPlace()
  return record
}
