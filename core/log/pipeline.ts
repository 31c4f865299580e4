/**
 * Gives the entries of a queue their places, one after the other: while a commit is under way the next links are signed
 * already, chained to what it will have made. The signatures, of which each needs the one before it, then follow one another
 * without a pause, and a commit takes as many as were made while the last one was on its way.
 */
import { randomUUID } from 'node:crypto'
import type { CommitOutcome, Link } from '../ports/log-store.ts'
import { chainEntry } from './chain.ts'
import { alreadyScheduled, answer, commitOnce, deepHashKnown, placeOf } from './committing.ts'
import type { LaneContext } from './lane.ts'
import type { Lease } from './lease.ts'
import { type Queue, type Waiting, wasOffered } from './queue.ts'
import type { Head } from './record.ts'

/** How it ended: nobody waits any more; or the head is not where it was thought to be, perhaps told where it is. */
export type PipelineEnd = { kind: 'drained'; head: Head } | { kind: 'lost'; head?: Head }

export interface PipelineOptions {
  process: string
  context: LaneContext
  queue: Queue
  /** What the next commit writes into the head of who is at work. */
  lease?(batch: readonly Waiting[]): Lease | undefined
  /** True: nothing more is begun. */
  isOver?(): boolean
  committed?(batch: readonly Waiting[]): void
  /** After that, ms since the epoch, no commit is repeated any more. */
  latest?: number
}

interface Signed {
  one: Waiting
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

/** While others are to be signed a commit waits for so many: many small ones would cost more than they hasten. */
const BATCH = 8

/** Fails only with what is a bug, or if signing fails; then nothing of the queue is lost. */
export async function runPipeline(head: Head, options: PipelineOptions): Promise<PipelineEnd> {
  const { process, context, queue } = options
  const { store, clock, meter, heads } = context
  /** The head that the next commit follows, and what is signed to follow it. */
  let base = head
  let signed: Signed[] = []
  let flight: Flight | undefined
  let full = false
  /** Neighbours of an entry that was refused: they come next and by themselves, so that no other one can fail them again. */
  let neighbours: Waiting[] = []
  let isRepeat = false

  const tip = () => signed.at(-1)?.head ?? base
  const taken = () => new Set([...(flight?.batch ?? []), ...signed].flatMap(({ one }) => one.keys))
  const isOver = () => options.isOver?.() ?? false

  const putBack = (batch: readonly Signed[] = []) => {
    queue.add(...[...batch, ...signed].map(({ one }) => one), ...neighbours)
    signed = []
    neighbours = []
    isRepeat = false
  }

  const fits = (one: Waiting): boolean => {
    const costs = [...signed.map(({ one }) => one), one].map(({ entry }) => store.cost(entry))
    const sum = (part: 'rows' | 'bytes') => costs.reduce((total, cost) => total + cost[part], 0)
    return signed.length === 0 || (sum('rows') <= store.limits.rows && sum('bytes') <= store.limits.bytes)
  }

  const next = (): Waiting | undefined => {
    while (isRepeat) {
      const one = neighbours.shift()
      if (!one?.settled) return one
    }
    if (isOver()) return undefined
    for (;;) {
      const one = queue.next(taken())
      // Nobody waits for what another instance offered and its caller has given up.
      if (!one || one.own || one.deadline > clock.now()) return one
      one.reject(new Error('too late'))
    }
  }

  const signNext = async (): Promise<boolean> => {
    const one = full ? undefined : next()
    if (!one) return false
    if (!fits(one)) {
      queue.add(one)
      full = true
      return false
    }
    try {
      const now = clock.now()
      if (one.made.size === 0) meter.time('acquire_write_lock', now - one.since)
      const { link, head } = await chainEntry(tip(), one.entry, { ...context, now, height: context.height() })
      one.made.add(link.assignmentId)
      signed.push({ one, link: { ...link, ...(wasOffered(one) && { offer: one.offer }) }, head })
      return true
    } catch (error) {
      queue.add(one)
      throw error
    }
  }

  /** Leaves out whose caller was told that he is not scheduled; what is chained behind is signed again. */
  const leaveOutSettled = (): void => {
    const at = signed.findIndex(({ one }) => one.settled)
    if (at < 0) return
    queue.add(...signed.slice(at).map(({ one }) => one))
    signed = signed.slice(0, at)
    full = false
  }

  const launch = (): void => {
    leaveOutSettled()
    if (signed.length === 0) return
    const batch = signed
    const from = base
    const entries = batch.map(({ one }) => one)
    for (const one of entries) one.sent = true
    const lease = options.lease?.(entries)
    const to = { ...tip(), ...(lease && { lease }) }
    const links = batch.map(({ one, link }) => (lease?.by === one.offer ? { ...link, baton: true } : link))
    const started: Flight = { from, batch, landed: Promise.resolve() }
    started.landed = commitOnce(context, { from, to, links, token: randomUUID() }, entries, options.latest).then(
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
    full = false
    isRepeat = false
  }

  /** Takes in what became of a commit; gives an end where the head is lost. */
  const land = ({ from, batch, outcome, failure }: Flight): PipelineEnd | undefined => {
    flight = undefined
    if (!outcome) {
      putBack(batch)
      heads.forget(process)
      throw failure
    }
    switch (outcome.kind) {
      case 'committed': {
        const last = batch.at(-1)
        if (last) heads.wrote(last.head)
        meter.count('commits')
        meter.count('messages_scheduled', batch.length)
        for (const { one, link } of batch) one.resolve(placeOf(link))
        refuseRepeats(queue, batch)
        options.committed?.(batch.map(({ one }) => one))
        return undefined
      }
      case 'refused': {
        const { refusals } = outcome
        // Each hears of it when the log has been looked at; the others go on meanwhile.
        for (const [i, standing] of refusals) {
          const one = batch[i]?.one
          if (one) void answer(context, one, standing)
        }
        const others = batch.filter((_, i) => !refusals.has(i))
        if (outcome.head) {
          putBack(others)
          return { kind: 'lost', head: outcome.head }
        }
        putBack()
        base = from
        // Those before the first refused one are chained and signed as they should be; those after it no more.
        const sound = Math.min(...refusals.keys())
        signed = batch.slice(0, sound)
        neighbours = others.slice(sound).map(({ one }) => one)
        isRepeat = true
        full = false
        return undefined
      }
      case 'head-moved':
      case 'busy':
      case 'unanswered': {
        meter.count('commit_conflicts')
        putBack(batch)
        if (outcome.kind !== 'head-moved') heads.forget(process)
        return { kind: 'lost', ...(outcome.kind === 'head-moved' && outcome.head && { head: outcome.head }) }
      }
    }
  }

  for (;;) {
    if (flight && (flight.outcome || flight.failure !== undefined)) {
      const end = land(flight)
      if (end) return end
    }
    if (!flight && signed.length >= BATCH && neighbours.length === 0) launch()
    let more: boolean
    try {
      more = await signNext()
    } catch (error) {
      await flight?.landed
      if (flight) land(flight)
      putBack()
      throw error
    }
    if (more) continue
    if (flight) await Promise.race([flight.landed, ...(full || isOver() ? [] : [queue.arrival()])])
    else if (signed.length > 0) launch()
    // What the refused ones left of a batch may be nothing.
    else if (isRepeat) isRepeat = false
    else return { kind: 'drained', head: base }
  }
}

/** Those in the queue that repeat what was just committed need not fail a commit of their neighbours first. */
function refuseRepeats(queue: Queue, batch: readonly Signed[]): void {
  const pending = queue.pending()
  if (pending.length === 0) return
  const links = batch.map(({ link }) => link)
  const byId = new Map(links.map((link) => [`${link.kind}:${link.id}`, link]))
  // One that was not claimed says nothing of which item had this deep hash first.
  const byHash = new Map(links.flatMap((link) => (link.deepHash?.claimed ? [[link.deepHash.hash, link]] : [])))
  for (const one of pending) {
    // An earlier attempt of its own may be what the log has: that is looked up when its commit is refused.
    if (one.own && (one.sent || wasOffered(one))) continue
    const { kind, id, deepHash } = one.entry
    const same = byId.get(`${kind}:${id}`)
    const twin = deepHash?.claimed ? byHash.get(deepHash.hash) : undefined
    if (same) one.reject(alreadyScheduled(one.entry, placeOf(same)))
    else if (twin) one.reject(deepHashKnown(placeOf(twin)))
  }
}
