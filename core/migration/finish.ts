/** Makes a process's head final: all of its records are here. What follows from the head (uploads, the placement) is said before it. */
import { idBytes } from '../ans104/base64url.ts'
import type { Fault } from '../audit/fault.ts'
import { SchedulerError } from '../errors.ts'
import type { Head } from '../log/record.ts'
import { closedForGood, incompleteHead, sameHead } from '../log/state.ts'
import type { SourceMessage } from '../ports/migration-source.ts'
import { readPlace } from '../protocol/assignment.ts'
import type { MigrationDeps } from './deps.ts'
import type { Ending } from './order.ts'
import { readMessage, type StoredRecord } from './stored-bundle.ts'
import type { OpenedProcess } from './walk.ts'

/** Watermarks and heads are moved by others too, while they have something to do. */
const TRIES = 5

/** The head after the last record that the source has. */
export function finalHead(opened: OpenedProcess, last: End, ending: Ending): Head {
  const { process, firstNonce, settlementDepth, first } = opened
  const { record } = last
  const { assignment } = record
  const head: Head = {
    process,
    state: ending === 'open' ? 'open' : 'frozen',
    next: last.nonce + 1,
    // Neither ever falls, also where those of the history do.
    timestamp: last.latest,
    blockHeight: Math.max(record.blockHeight, first.blockHeight),
    epoch: record.epoch ?? 0,
    firstNonce,
    settlementDepth,
    ...(assignment && { hashChain: readPlace(assignment.tags).hashChain, lastAssignment: idBytes(assignment.id) }),
  }
  return ending === 'history' ? closedForGood(head) : head
}

/** The newest record of a process in the source. */
export interface End {
  nonce: number
  record: StoredRecord
  /** The greatest timestamp of all, ms. */
  latest: number
}

/** What the source ends with before a nonce. Fails with `invalid-item` where that cannot be read. */
export async function endBefore(
  { source }: Pick<MigrationDeps, 'source'>,
  { process, firstNonce, first }: OpenedProcess,
  next: number,
): Promise<End> {
  const row: SourceMessage | undefined = await source.before(process, next)
  if (!row) return { nonce: firstNonce, record: first, latest: first.timestamp }
  const latest = (await source.latestBefore(process, next)) ?? row.timestamp
  return { nonce: row.nonce, record: readMessage(row), latest: Math.max(latest, first.timestamp) }
}

/**
 * Tells the relay where to begin, before the head covers anything: what the other unit uploaded is not uploaded again, but what it
 * scheduled since a time, if the operator says so. Where a relay is still at work on what came in before, it goes on from there.
 */
export async function markUploaded(
  { relay }: Pick<MigrationDeps, 'relay'>,
  standing: Head,
  firstToUpload: number,
): Promise<void> {
  const { process } = standing
  for (let tries = 0; tries < TRIES; tries++) {
    const done = (await relay.progress(process))?.done.upload
    const behind = done !== undefined && done < standing.next
    const target = behind ? Math.min(done, firstToUpload) : firstToUpload
    if (done === target || (await relay.advance(process, { upload: { from: done, to: target } }))) return
  }
  throw new SchedulerError('unavailable', `The upload of process ${process} does not come to rest`, { retryAfter: 5 })
}

/** Where the unit is one of several, the process becomes its own. Gives what is in the way. */
export async function takePlacement(
  { placements, clock }: Pick<MigrationDeps, 'placements' | 'clock'>,
  process: string,
  nonce: number,
): Promise<Fault | undefined> {
  if (!placements) return undefined
  const { store, url } = placements
  let placed = await store.place({ process, unit: url, state: 'settled', refusedBy: [], version: 1, at: clock.now() })
  if (placed.unit === url && placed.state === 'provisional') {
    placed = await store.change(placed, { ...placed, state: 'settled', version: placed.version + 1 })
  }
  if (placed.unit === url) return undefined
  return {
    nonce,
    kind: 'placed',
    what: `is the last one of a process that is placed on ${placed.unit}: it was not opened here`,
  }
}

/** Gives the head that stands. Fails with `unavailable` where others are at work on it. */
export async function writeHead(
  { imports, log }: Pick<MigrationDeps, 'imports' | 'log'>,
  standing: Head,
  to: Head,
): Promise<Head> {
  let from = standing
  for (let tries = 0; tries < TRIES; tries++) {
    if (await imports.finish(from, to)) return to
    const now = (await log.head(to.process)) ?? incompleteHead(to)
    // Another call of the same migration was faster, or an attempt of this one.
    if (sameHead(now, to) || now.state === 'open' || now.next > to.next) return now
    from = now
  }
  throw new SchedulerError('unavailable', `The head of process ${to.process} does not come to rest`, { retryAfter: 5 })
}
