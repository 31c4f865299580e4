/**
 * Gives the entries of a queue their places, one after the other. While a commit is under way the next links are signed, chained
 * to what it will have made: so the signatures, each of which needs the one before it, follow one another without a pause, and
 * a commit takes as many as were made while the last one was on its way.
 */
import { randomUUID } from 'node:crypto'
import type { CommitOutcome, Link } from '../ports/log-store.ts'
import { chainEntry } from './chain.ts'
import { alreadyScheduled, answer, commitOnce, deepHashKnown, placeOf } from './commit.ts'
import type { ProcessContext } from './context.ts'
import { type Pending, type Queue, wasSubmitted } from './queue.ts'
import type { Head, Lease } from './record.ts'

/** What a leader adds to its commits. */
export interface Leadership {
  /** The lease that the next commit writes, which may name one of its entries as the successor. */
  lease(batch: readonly Pending[]): Lease
  /** True: nothing more is begun. */
  isOver(): boolean
  committed(batch: readonly Pending[]): void
  /** After that, ms since the epoch, no commit is repeated. */
  readonly latest: number
}

interface Signed {
  one: Pending
  link: Link
  /** The head after it. */
  head: Head
}

interface Flight {
  from: Head
  batch: Signed[]
  landed: Promise<void>
  outcome?: CommitOutcome
  failure?: unknown
}

/**
 * Resolves with true when no entry waits any more (or the leadership is over), with false when another instance moved the head;
 * the outlook then knows what is known of it. Fails only by a bug or where signing fails; then no entry of the queue is lost.
 */
export async function runPipeline(head: Head, context: ProcessContext, leadership?: Leadership): Promise<boolean> {
  const { queue, store, clock, meter, outlook, tuning } = context
  /** The head that the next commit follows, and what is signed to follow it. */
  let base = head
  let signed: Signed[] = []
  let flight: Flight | undefined
  let isFull = false

  const tip = () => signed.at(-1)?.head ?? base
  const isOver = () => leadership?.isOver() ?? false

  const putBack = (batch: readonly Signed[] = []) => {
    queue.add(...[...batch, ...signed].map(({ one }) => one))
    signed = []
    isFull = false
  }

  const fits = (one: Pending): boolean => {
    const costs = [...signed.map(({ one }) => one), one].map(({ entry }) => store.cost(entry))
    const sum = (part: 'rows' | 'bytes') => costs.reduce((total, cost) => total + cost[part], 0)
    return signed.length === 0 || (sum('rows') <= store.limits.rows && sum('bytes') <= store.limits.bytes)
  }

  const next = (): Pending | undefined => {
    const taken = new Set([...(flight?.batch ?? []), ...signed].flatMap(({ one }) => one.keys))
    for (;;) {
      const one = queue.next(taken, isOver() ? true : signed[0]?.one.again)
      // The caller of another instance's entry may have given up.
      if (!one || one.own || one.deadline > clock.now()) return one
      one.settle(new Error('too late'))
    }
  }

  const signNext = async (): Promise<boolean> => {
    const one = isFull ? undefined : next()
    if (!one) return false
    if (!fits(one)) {
      queue.add(one)
      isFull = true
      return false
    }
    try {
      const now = clock.now()
      if (one.made.size === 0) meter.time('acquire_write_lock', now - one.since)
      const { link, head } = await chainEntry(tip(), one.entry, { ...context, now, height: context.height() })
      one.made.add(link.assignmentId)
      signed.push({ one, link: { ...link, ...(wasSubmitted(one) && { submission: one.id }) }, head })
      return true
    } catch (error) {
      queue.add(one)
      throw error
    }
  }

  const launch = (): void => {
    // An entry whose caller was told that it is not scheduled is left out; what is chained behind it is signed again.
    const at = signed.findIndex(({ one }) => one.settled)
    if (at >= 0) queue.add(...signed.splice(at).map(({ one }) => one))
    isFull = false
    if (signed.length === 0) return
    const batch = signed
    const from = base
    const entries = batch.map(({ one }) => one)
    for (const one of entries) one.sent = true
    const lease = leadership?.lease(entries)
    const to = { ...tip(), ...(lease && { lease }) }
    const links = batch.map(({ one, link }) => (lease?.by === one.id ? { ...link, successor: true } : link))
    const started: Flight = { from, batch, landed: Promise.resolve() }
    const commit = { from, to, links, token: randomUUID() }
    started.landed = commitOnce(context, commit, entries, leadership?.latest).then(
      (outcome) => {
        started.outcome = outcome
      },
      (failure: unknown) => {
        started.failure = failure
      },
    )
    flight = started
    base = to
    signed = []
  }

  /** Takes in what became of a commit. False where the head is lost. */
  const land = ({ from, batch, outcome, failure }: Flight): boolean => {
    flight = undefined
    if (!outcome) {
      putBack(batch)
      throw failure
    }
    if (outcome.kind === 'committed') {
      const last = batch.at(-1)
      if (last) outlook.wrote(last.head)
      meter.count('commits')
      meter.count('messages_scheduled', batch.length)
      for (const { one, link } of batch) one.settle(placeOf(link))
      refuseRepeats(queue, batch)
      leadership?.committed(batch.map(({ one }) => one))
      return true
    }
    if (outcome.kind === 'refused') {
      const { refusals } = outcome
      // Each hears of it when the log has been looked at; the others go on meanwhile.
      for (const [i, standing] of refusals) {
        const one = batch[i]?.one
        if (one) void answer(context, one, standing)
      }
      const others = batch.filter((_, i) => !refusals.has(i))
      for (const { one } of others) one.again = true
      if (!outcome.head) {
        putBack()
        base = from
        // Links before the first refused one are chained as they should be; those after it are signed again.
        const sound = Math.min(...refusals.keys())
        signed = batch.slice(0, sound)
        queue.add(...others.slice(sound).map(({ one }) => one))
        return true
      }
      putBack(others)
    } else {
      meter.count('commit_conflicts')
      putBack(batch)
      if (outcome.kind !== 'head-moved') outlook.forget()
    }
    outlook.lost('head' in outcome ? outcome.head : undefined, clock.now())
    return false
  }

  for (;;) {
    if (flight && (flight.outcome || flight.failure !== undefined) && !land(flight)) return false
    if (!flight && signed.length >= tuning.batch && !signed[0]?.one.again) launch()
    let isMore: boolean
    try {
      isMore = await signNext()
    } catch (error) {
      await flight?.landed
      if (flight) land(flight)
      putBack()
      throw error
    }
    if (isMore) continue
    if (flight) await Promise.race([flight.landed, ...(isFull || isOver() ? [] : [queue.arrival()])])
    else if (signed.length > 0) launch()
    else return true
  }
}

/** Entries in the queue that repeat what was just committed need not fail a commit of their neighbours first. */
function refuseRepeats(queue: Queue, batch: readonly Signed[]): void {
  const pending = queue.pending()
  if (pending.length === 0) return
  const links = batch.map(({ link }) => link)
  const byId = new Map(links.map((link) => [`${link.kind}:${link.id}`, link]))
  // A hash that was not claimed says nothing of which item had it first.
  const byHash = new Map(links.flatMap((link) => (link.deepHash?.claimed ? [[link.deepHash.hash, link]] : [])))
  for (const one of pending) {
    // An earlier attempt of its own may be what the log has: the refusal of its commit says so.
    if (one.own && (one.sent || wasSubmitted(one))) continue
    const { kind, id, deepHash } = one.entry
    const same = byId.get(`${kind}:${id}`)
    const twin = deepHash?.claimed ? byHash.get(deepHash.hash) : undefined
    if (same) one.settle(alreadyScheduled(one.entry, placeOf(same)))
    else if (twin) one.settle(deepHashKnown(placeOf(twin)))
  }
}
