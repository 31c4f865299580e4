/** One commit until its outcome is certain, and what a refusal means to the entry that it is about. */
import { type Place, SchedulerError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Commit, CommitOutcome, Link, LogStore } from '../ports/log-store.ts'
import type { Entry } from './entry.ts'
import { type Waiting, wasOffered } from './queue.ts'
import { sameHead } from './state.ts'

const MAX_PAUSE_MS = 100

interface Context {
  store: LogStore
  clock: Clock
}

/**
 * A commit whose answer is lost is looked up, then repeated as it was, with its token, until the store answers: so it
 * happens once. What follows a repetition may hide that the first one happened, so that is looked up again.
 * @param latest ms since the epoch: after that it is left as it is, as also when nobody waits for it any more
 */
export async function commitOnce(
  { store, clock }: Context,
  commit: Commit,
  batch: readonly Waiting[],
  latest = Number.POSITIVE_INFINITY,
): Promise<CommitOutcome> {
  const { process } = commit.from
  const [first] = commit.links
  let unanswered = false
  for (let tries = 1; ; tries++) {
    const outcome = await store.commit(commit)
    if (outcome.kind === 'committed') return outcome
    if (outcome.kind === 'unanswered') unanswered = true
    if (unanswered) {
      const there = first ? await store.find(first.assignmentId).catch(() => undefined) : []
      if (there && there.length > 0) return { kind: 'committed' }
      if (there && outcome.kind !== 'unanswered' && outcome.kind !== 'busy') return outcome
    } else if (outcome.kind !== 'busy') return outcome
    const now = clock.now()
    if (now > latest || batch.every((one) => one.settled || one.deadline < now)) return outcome
    await pause(clock, tries)
    if (outcome.kind === 'busy' && !unanswered) {
      // Nothing was written; while the head stays what it was, the signatures are still good. If it cannot be read, neither
      // can be known to be wrong: the condition decides.
      const head = await store.head(process).catch(() => 'unknown' as const)
      if (head !== 'unknown' && !(head && sameHead(head, commit.from))) {
        return { kind: 'head-moved', ...(head && { head }) }
      }
    }
  }
}

/** Rising, with jitter: losers of a race who all come back at once only meet again. */
export const pause = (clock: Clock, tries: number): Promise<void> =>
  clock.sleep(Math.min(MAX_PAUSE_MS, 2 ** Math.min(tries + 3, 8)) * clock.random())

/** The log has this item or deep hash already: perhaps by an attempt of its own that landed late. Never fails. */
export async function refuse(
  context: Context,
  one: Waiting,
  reason: 'scheduled' | 'deep-hash',
  place: Place,
): Promise<void> {
  if (one.made.has(place.assignment)) return one.resolve(place)
  // Whoever offered it looks himself, and knows better whether it was he.
  if (!one.own) return one.reject(new Error('refused'))
  if (reason === 'scheduled' && !wasOffered(one)) return one.reject(alreadyScheduled(one.entry, place))
  // The item itself is looked at before its deep hash, also where the store told only of the latter.
  await rejectUnlessThere(context, one, deepHashKnown(place))
}

/** Whatever speaks against an entry, the log may have it already: by an attempt of its own, or another's. Never fails. */
export async function rejectUnlessThere({ store }: Context, one: Waiting, error: Error): Promise<void> {
  const { id, process, kind } = one.entry
  const way = kind === 'message' ? 'posted' : 'assigned'
  try {
    const there = (await store.find(id)).find((finding) => finding.process === process && finding.kind === way)
    if (!there) one.reject(error)
    else if (one.made.has(there.place.assignment) || there.offer === one.offer) one.resolve(there.place)
    else one.reject(alreadyScheduled(one.entry, there.place))
  } catch (failure) {
    // What cannot be looked up concerns this one only, not its neighbours.
    one.reject(failure instanceof Error ? failure : new Error(String(failure)))
  }
}

/** Nothing can be scheduled in this process now. Never fails. */
export async function rejectAll(context: Context, entries: readonly Waiting[], error: Error): Promise<void> {
  await Promise.all(
    entries.map((one) => (one.own && wasOffered(one) ? rejectUnlessThere(context, one, error) : one.reject(error))),
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

export const deepHashKnown = (place: Place) =>
  new SchedulerError('deep-hash-known', 'A message with the same deep hash is scheduled in this process already', {
    id: place.assignment,
    place,
  })
