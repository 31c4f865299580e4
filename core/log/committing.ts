/** One commit until its outcome is certain, and what a refusal means to the entry that it is about. */
import { randomUUID } from 'node:crypto'
import { type Place, SchedulerError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Commit, CommitOutcome, Link, LogStore, Standing } from '../ports/log-store.ts'
import type { Entry } from './entry.ts'
import { type Waiting, wasOffered } from './queue.ts'
import { sameHead } from './state.ts'

const MAX_PAUSE_MS = 100
/** Pauses before each further look for a row that may be seen later than another one of its transaction, ms. */
const LOOK_AGAIN_MS = [0, 5, 10, 20]

interface Context {
  store: LogStore
  clock: Clock
}

/**
 * Repeats a commit until the store says what became of it: with its token after a lost answer, so that it happens once, and with
 * a fresh one where nothing was written. What follows a lost answer may hide that the commit happened: the items' rows then name
 * an assignment of this commit, which is success (`answer`).
 * @param latest ms since the epoch: after that it is not repeated, as when nobody waits for it any more
 */
export async function commitOnce(
  { store, clock }: Context,
  commit: Commit,
  batch: readonly Waiting[],
  latest = Number.POSITIVE_INFINITY,
): Promise<CommitOutcome> {
  const { process } = commit.from
  const end = Math.min(latest, Math.max(...batch.map(({ deadline }) => deadline)))
  const timer = new AbortController()
  const abort = new AbortController()
  void clock.sleep(end - clock.now(), timer.signal).then(() => abort.abort())
  try {
    let attempt = commit
    let unanswered = false
    for (let tries = 1; ; tries++) {
      const outcome = await store.commit(attempt, abort.signal)
      if (outcome.kind === 'unanswered') unanswered = true
      else if (outcome.kind === 'busy') attempt = { ...commit, token: randomUUID() }
      else return outcome
      if (clock.now() >= end || batch.every((one) => one.settled)) return outcome
      await pause(clock, tries)
      if (unanswered) continue
      // Nothing was written; while the head stays what it was, the signatures are still good. If it cannot be read, neither
      // can be known to be wrong: the condition decides.
      const head = await store.head(process).catch(() => 'unknown' as const)
      if (head !== 'unknown' && !(head && sameHead(head, commit.from))) {
        return { kind: 'head-moved', ...(head && { head }) }
      }
    }
  } finally {
    timer.abort()
  }
}

/** Rising, with jitter: losers of a race who all come back at once only meet again. */
export const pause = (clock: Clock, tries: number): Promise<void> =>
  clock.sleep(Math.min(MAX_PAUSE_MS, 2 ** Math.min(tries + 3, 8)) * clock.random())

/** Gives an entry the answer that follows from what the log holds already: perhaps by an attempt of its own. Never fails. */
export async function answer(context: Context, one: Waiting, standing: Standing): Promise<void> {
  const { place } = standing
  if (one.made.has(place.assignment)) return one.resolve(place)
  if (standing.kind === 'scheduled') {
    if (standing.offer === one.offer) return one.resolve(place)
    return one.reject(alreadyScheduled(one.entry, place))
  }
  if (standing.owner || !one.own) return one.reject(deepHashKnown(place))
  await attempt(one, async () => {
    // The row does not name its item. The record does, and may be seen a moment later.
    const { kind, id, process } = one.entry
    const [record] = await context.store.records(process, place.nonce, place.nonce)
    const isItself = record?.kind === kind && record.id === id
    await rejectUnlessThere(context, one, isItself ? undecided() : deepHashKnown(place))
  })
}

/** Whatever speaks against an entry, the log may have it already: by an attempt of its own, or another's. Never fails. */
export async function rejectUnlessThere(context: Context, one: Waiting, error: Error): Promise<void> {
  await attempt(one, async () => {
    for (const ms of LOOK_AGAIN_MS) {
      if (ms > 0) await context.clock.sleep(ms)
      const there = await context.store.findItem(one.entry.process, one.entry)
      if (there) return await answer(context, one, { ...there, kind: 'scheduled' })
    }
    one.reject(error)
  })
}

/** What cannot be looked up concerns this entry only, not its neighbours. */
async function attempt(one: Waiting, look: () => Promise<void>): Promise<void> {
  try {
    await look()
  } catch (failure) {
    one.reject(failure instanceof Error ? failure : new Error(String(failure)))
  }
}

/** Nothing can be scheduled in this process now. Never fails. */
export async function rejectAll(context: Context, entries: readonly Waiting[], error: Error): Promise<void> {
  await Promise.all(
    entries.map((one) =>
      one.own && (one.sent || wasOffered(one)) ? rejectUnlessThere(context, one, error) : one.reject(error),
    ),
  )
}

export const placeOf = (link: Link): Place => ({
  assignment: link.assignmentId,
  nonce: link.nonce,
  timestamp: link.timestamp,
})

export const alreadyScheduled = (entry: Entry, place: Place) =>
  new SchedulerError(
    'already-scheduled',
    entry.kind === 'message'
      ? 'The message is scheduled in this process already'
      : 'The transaction is assigned to this process already',
    { id: entry.kind === 'message' ? entry.id : place.assignment, place },
  )

const undecided = () =>
  new SchedulerError(
    'unavailable',
    'The log did not answer in time: the item may have been scheduled, or may still be; asking again is safe',
    { retryAfter: 1 },
  )

export const deepHashKnown = (place: Place) =>
  new SchedulerError('deep-hash-known', 'A message with the same deep hash is scheduled in this process already', {
    id: place.assignment,
    place,
  })
