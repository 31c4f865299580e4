/** One commit until its outcome is certain, and what the log says of an entry. */
import { randomUUID } from 'node:crypto'
import { type Place, SchedulerError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Commit, CommitOutcome, Link, LogStore, Standing } from '../ports/log-store.ts'
import type { ProcessContext } from './context.ts'
import type { Entry } from './entry.ts'
import { type Pending, wasSubmitted } from './queue.ts'
import type { Head } from './record.ts'
import { sameHead, unknownProcess } from './state.ts'
import type { Tuning } from './tuning.ts'

interface Context {
  store: LogStore
  clock: Clock
  tuning: Tuning
}

/**
 * Repeats a commit until the store says what became of it: with its token after a lost answer, so that it happens once, and with
 * a fresh one where nothing was written. What follows a lost answer may hide that the commit happened: the items' rows then name
 * an assignment of this commit, which is success (`answer`).
 * @param latest ms since the epoch: after that it is not repeated, as when no caller waits for it any more
 */
export async function commitOnce(
  context: Context,
  commit: Commit,
  batch: readonly Pending[],
  latest = Number.POSITIVE_INFINITY,
): Promise<CommitOutcome> {
  const { store, clock } = context
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
      await pause(context, tries)
      if (unanswered) continue
      // Nothing was written: while the head is the same, so are the signatures good. An unreadable head proves nothing.
      const head = await store.head(commit.from.process).catch(() => 'unknown' as const)
      if (head !== 'unknown' && !(head && sameHead(head, commit.from)))
        return { kind: 'head-moved', ...(head && { head }) }
    }
  } finally {
    timer.abort()
  }
}

/** Rising, with jitter: instances that lost a head together must not come back together. */
export const pause = ({ clock, tuning }: Omit<Context, 'store'>, tries: number): Promise<void> =>
  clock.sleep(Math.min(tuning.maxPauseMs, 2 ** Math.min(tries + 3, 8)) * clock.random())

/** Gives an entry the answer that follows from what the log holds already: perhaps by an attempt of its own. Never fails. */
export async function answer(context: Context, one: Pending, standing: Standing): Promise<void> {
  const { place } = standing
  if (one.made.has(place.assignment)) return one.settle(place)
  if (standing.kind === 'scheduled')
    return one.settle(standing.submission === one.id ? place : alreadyScheduled(one.entry, place))
  if (standing.owner || !one.own) return one.settle(deepHashKnown(place))
  await look(one, async () => {
    // The row does not name its item. The record does, and may be seen a moment later.
    const { kind, id, process } = one.entry
    const [record] = await context.store.records(process, place.nonce, place.nonce)
    const isItself = record?.kind === kind && record.id === id
    await refuse(context, one, isItself ? outOfTime(true) : deepHashKnown(place))
  })
}

/** Refuses an entry, unless the log has it: by an attempt of its own, or another one. Never fails. */
async function refuse(context: Context, one: Pending, error: Error): Promise<void> {
  await look(one, async () => {
    for (const ms of context.tuning.lookAgainMs) {
      if (ms > 0) await context.clock.sleep(ms)
      const there = await context.store.findItem(one.entry.process, one.entry)
      if (there) return await answer(context, one, { ...there, kind: 'scheduled' })
    }
    one.settle(error)
  })
}

/** A failure to look something up concerns this entry only, not its neighbours. */
async function look(one: Pending, looking: () => Promise<void>): Promise<void> {
  await looking().catch((failure: unknown) => one.settle(asError(failure)))
}

/** Nothing can be scheduled in this process now. Never fails. */
export async function refuseAll(context: ProcessContext, error: Error): Promise<void> {
  const entries = context.queue.pending()
  await Promise.all(
    entries.map((one) =>
      one.own && (one.sent || wasSubmitted(one)) ? refuse(context, one, error) : one.settle(error),
    ),
  )
}

/** Reads the head. Where there is none, all entries are refused. Fails with `unavailable`. */
export async function readHead(context: ProcessContext): Promise<Head | undefined> {
  const { store, process, outlook, clock } = context
  const head = await store.head(process)
  if (head) outlook.read(head, clock.now())
  else {
    outlook.forget()
    await refuseAll(context, unknownProcess())
  }
  return head
}

export const asError = (failure: unknown): Error => (failure instanceof Error ? failure : new Error(String(failure)))

export const placeOf = (link: Link): Place => ({
  assignment: link.assignmentId,
  nonce: link.nonce,
  timestamp: link.timestamp,
})

/** @param mayBeScheduled whether a commit or a submission of it is, or was, on its way */
export const outOfTime = (mayBeScheduled: boolean) =>
  new SchedulerError(
    'unavailable',
    mayBeScheduled
      ? 'Log: no answer in time, so the item may have been scheduled, or may still be. Ask again, which is safe.'
      : 'Process: too busy, so the item was not scheduled. Ask again, which is safe.',
    { retryAfter: 1 },
  )

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
