/**
 * One process's queue in one instance, and the loop that commits it. While a commit is under way the others wait, and the
 * next commit takes them all, up to what a transaction holds: several requests in an instance share a commit instead of
 * racing each other to the head. Other instances race; the head's condition in the store decides, and nothing here is
 * needed for correctness.
 */
import { randomUUID } from 'node:crypto'
import type { Signer } from '../ans104/signer.ts'
import { type Place, SchedulerError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Commit, CommitOutcome, Link, LogStore } from '../ports/log-store.ts'
import type { Meter } from '../ports/meter.ts'
import { chainEntries } from './chain.ts'
import { type Entry, entryKeys } from './entry.ts'
import type { HeadMemory } from './head-memory.ts'
import type { Head } from './record.ts'
import { refusalOf, sameHead, unknownProcess } from './state.ts'

export interface LaneContext {
  store: LogStore
  signer: Signer
  clock: Clock
  meter: Meter
  heads: HeadMemory
  /** Height of the network as last known. */
  height(): number | undefined
}

/** An entry on its way, with its answer to come. */
interface Waiting {
  entry: Entry
  keys: string[]
  /** ms since the epoch; after it the caller has gone. */
  deadline: number
  since: number
  /** Ids of the assignments made for it so far: one of them in the log is this entry's own success. */
  made: Set<string>
  settled: boolean
  resolve(place: Place): void
  reject(error: Error): void
}

/** Tries at once after a lost race, before others are given way (measured: more of them only make more signatures in vain). */
const IMMEDIATE_TRIES = 1
/** More than any commit holds. */
const MAX_AT_ONCE = 128
/** After so long an entry gives way to nobody, ms. */
const IMPATIENT_MS = 400
const MAX_PAUSE_MS = 100

export class Lane {
  private readonly process: string
  private readonly context: LaneContext
  private readonly onIdle: () => void
  private waiting: Waiting[] = []
  private running = false
  /** Entries in a batch at most; what a commit holds is less. Doubled by each commit, halved by each lost race. */
  private atOnce = MAX_AT_ONCE
  /** The head as it was just written or told: what the next try begins from. */
  private known: Head | undefined

  constructor(process: string, context: LaneContext, onIdle: () => void) {
    this.process = process
    this.context = context
    this.onIdle = onIdle
  }

  /** Resolves with the place; fails with what the log says of the entry, or `unavailable` when the deadline is reached. */
  add(entry: Entry, deadline: number): Promise<Place> {
    const { clock } = this.context
    return new Promise((resolve, reject) => {
      const timer = new AbortController()
      const waiting: Waiting = {
        entry,
        keys: entryKeys(entry),
        deadline,
        since: clock.now(),
        made: new Set(),
        settled: false,
        resolve: (place) => settle(() => resolve(place)),
        reject: (error) => settle(() => reject(error)),
      }
      const settle = (answer: () => void) => {
        if (waiting.settled) return
        waiting.settled = true
        timer.abort()
        answer()
      }
      // The caller is answered at its deadline whatever the loop is waiting for.
      void clock.sleep(deadline - clock.now(), timer.signal).then(() => waiting.reject(outOfTime(waiting)))
      this.waiting.push(waiting)
      if (!this.running) {
        this.running = true
        void this.run()
      }
    })
  }

  /** Never rejects: whatever goes wrong is an answer to those who wait. */
  private async run(): Promise<void> {
    let tries = 0
    let batch: Waiting[] = []
    for (;;) {
      batch = this.fill(batch)
      if (batch.length === 0) break
      try {
        const progress = await this.attempt(batch)
        tries = progress ? 0 : tries + 1
        if (progress) this.atOnce = Math.min(MAX_AT_ONCE, 2 * this.atOnce)
        else {
          batch = this.shrink(batch)
          await this.holdBack(tries, batch)
        }
      } catch (error) {
        this.forget()
        for (const one of batch) one.reject(error instanceof Error ? error : new Error(String(error)))
      }
      batch = batch.filter((one) => !one.settled)
    }
    this.running = false
    this.known = undefined
    this.onIdle()
  }

  /**
   * After a lost race fewer entries are tried at once: signing many takes longer than whoever won needs for his next few, so
   * that the larger batch would lose again and again, and all of its signatures with it.
   */
  private shrink(batch: Waiting[]): Waiting[] {
    this.atOnce = Math.max(1, Math.ceil(batch.length / 2))
    this.waiting = [...batch.slice(this.atOnce), ...this.waiting]
    return batch.slice(0, this.atOnce)
  }

  /** Tops a batch up from the queue, in order of arrival, to what a commit holds. */
  private fill(kept: Waiting[]): Waiting[] {
    const { store, clock, meter } = this.context
    const batch = kept.filter((one) => !one.settled)
    const keys = new Set(batch.flatMap((one) => one.keys))
    let rows = 0
    let bytes = 0
    const fits = (one: Waiting) => {
      const cost = store.cost(one.entry)
      if (batch.length > 0 && (rows + cost.rows > store.limits.rows || bytes + cost.bytes > store.limits.bytes))
        return false
      rows += cost.rows
      bytes += cost.bytes
      return true
    }
    for (const one of batch) fits(one)
    const left: Waiting[] = []
    let full = false
    for (const one of this.waiting) {
      if (one.settled) continue
      // Of two with the same id or deep hash the second stays behind until the first one's outcome is known.
      if (full || one.keys.some((key) => keys.has(key))) left.push(one)
      else if (batch.length < this.atOnce && fits(one)) {
        meter.time('acquire_write_lock', clock.now() - one.since)
        for (const key of one.keys) keys.add(key)
        batch.push(one)
      } else {
        full = true
        left.push(one)
      }
    }
    this.waiting = left
    return batch
  }

  private async readHead(): Promise<Head | undefined> {
    const head = await this.context.store.head(this.process)
    if (head) this.context.heads.read(head)
    return head
  }

  /** Another instance was first. */
  private movedTo(head: Head | undefined): void {
    this.context.heads.moved(this.process, head)
    this.known = head
  }

  private forget(): void {
    this.context.heads.forget(this.process)
    this.known = undefined
  }

  /** One try to commit the batch. True when something was settled, so that the next try need not hold back. */
  private async attempt(batch: Waiting[]): Promise<boolean> {
    const { heads, clock, meter } = this.context
    const head = this.known ?? heads.trusted(this.process) ?? (await this.readHead())
    const refusal = refusalOf(head)
    if (!head || refusal) {
      this.forget()
      for (const one of batch) one.reject(refusal ?? unknownProcess())
      return true
    }
    const { links, to } = await chainEntries(
      head,
      batch.map((one) => one.entry),
      { ...this.context, now: clock.now(), height: this.context.height() },
    )
    links.forEach((link, i) => {
      batch[i]?.made.add(link.assignmentId)
    })
    const outcome = await this.commit({ from: head, to, links, token: randomUUID() }, batch)
    switch (outcome.kind) {
      case 'committed':
        heads.wrote(to)
        this.known = to
        meter.count('commits')
        meter.count('messages_scheduled', links.length)
        links.forEach((link, i) => {
          batch[i]?.resolve(placeOf(link))
        })
        this.refuseRepeats(links)
        return true
      case 'refused':
        if (outcome.head) this.movedTo(outcome.head)
        for (const [i, { reason, place }] of outcome.refusals) {
          const one = batch[i]
          // What cannot be looked up concerns this one only, not its neighbours.
          if (one) await this.refuse(one, reason, place).catch(one.reject)
        }
        return true
      case 'head-moved':
        meter.count('commit_conflicts')
        this.movedTo(outcome.head)
        return false
      case 'busy':
        meter.count('commit_conflicts')
        this.forget()
        return false
      case 'unanswered':
        this.forget()
        return false
    }
  }

  /**
   * A commit whose answer is lost is looked up, then repeated as it was, with its token, until the store answers: so it
   * happens once. What follows a repetition may hide that the first one happened, so that is looked up again.
   */
  private async commit(commit: Commit, batch: Waiting[]): Promise<CommitOutcome> {
    const { store, clock } = this.context
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
      if (batch.every((one) => one.settled || one.deadline < clock.now())) return outcome
      await this.pause(tries)
      if (outcome.kind === 'busy') {
        // Nothing was written; while the head stays what it was, the signatures are still good.
        const head = await store.head(this.process)
        if (!unanswered && !(head && sameHead(head, commit.from))) return { kind: 'head-moved', ...(head && { head }) }
      }
    }
  }

  /** The log has this item or deep hash already: perhaps by an attempt of its own that landed late. */
  private async refuse(one: Waiting, reason: 'scheduled' | 'deep-hash', place: Place): Promise<void> {
    if (one.made.has(place.assignment)) return one.resolve(place)
    const { entry } = one
    if (reason === 'scheduled') return one.reject(alreadyScheduled(entry, place))
    // The item itself is looked at before its deep hash, also where the store told only of the latter.
    const own = await this.context.store.find(entry.id)
    const kind = entry.kind === 'message' ? 'posted' : 'assigned'
    const mine = own.find((finding) => finding.process === entry.process && finding.kind === kind)
    if (mine && one.made.has(mine.place.assignment)) return one.resolve(mine.place)
    if (mine) return one.reject(alreadyScheduled(entry, mine.place))
    one.reject(
      new SchedulerError('deep-hash-known', 'A message with the same deep hash is scheduled in this process already', {
        id: place.assignment,
        place,
      }),
    )
  }

  /** Those in the queue that repeat what was just committed need not fail a commit of their neighbours first. */
  private refuseRepeats(links: readonly Link[]): void {
    if (this.waiting.length === 0) return
    const byKey = new Map(links.map((link) => [`${link.kind}:${link.id}`, link]))
    for (const one of this.waiting) {
      const link = byKey.get(`${one.entry.kind}:${one.entry.id}`)
      if (link && one.made.size === 0) one.reject(alreadyScheduled(one.entry, placeOf(link)))
    }
  }

  /**
   * After a lost race. The head that came back is good for an immediate try: who won has an answer to send first. Then there
   * are many: hold back, by chance and longer each time, and read the head before signing again, since by then the one that is
   * known has been passed, and a signature on it would be made in vain. Who has waited long holds back no more, or one who
   * never pauses would keep him waiting for ever.
   */
  private async holdBack(tries: number, batch: readonly Waiting[]): Promise<void> {
    const waited = this.context.clock.now() - Math.min(...batch.map((one) => one.since))
    if (tries <= IMMEDIATE_TRIES || waited > IMPATIENT_MS) return
    await this.pause(tries - IMMEDIATE_TRIES)
    this.known = undefined
  }

  /** Rising, with jitter: losers of a race who all come back at once only meet again. */
  private pause(tries: number): Promise<void> {
    const { clock } = this.context
    return clock.sleep(Math.min(MAX_PAUSE_MS, 2 ** Math.min(tries + 3, 8)) * clock.random())
  }
}

const placeOf = (link: Link): Place => ({ assignment: link.assignmentId, nonce: link.nonce, timestamp: link.timestamp })

const alreadyScheduled = (entry: Entry, place: Place) =>
  new SchedulerError(
    'already-scheduled',
    entry.kind === 'message'
      ? 'The message is scheduled in this process already'
      : 'The transaction is assigned to this process already',
    { id: entry.kind === 'message' ? entry.id : place.assignment, place },
  )

const outOfTime = (one: Waiting) =>
  new SchedulerError(
    'unavailable',
    one.made.size > 0
      ? 'The log did not answer in time: the item may have been scheduled, or may still be; asking again is safe'
      : 'The process is too busy: the item was not scheduled; asking again is safe',
    { retryAfter: 1 },
  )
