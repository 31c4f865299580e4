/**
 * One process's entries in one instance. Where nobody else writes they are committed one batch after the other, and nothing
 * else is asked. Where others do, whoever loses the head again and again commits for all of them for a while (`holding.ts`),
 * and the others offer him theirs (`offering.ts`). The head's condition in the store decides, and nothing here is needed for
 * correctness. docs/hot-process.md has a picture.
 */
import { randomUUID } from 'node:crypto'
import type { Signer } from '../ans104/signer.ts'
import { type Place, SchedulerError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { LogStore } from '../ports/log-store.ts'
import type { Mailbox, OfferName } from '../ports/mailbox.ts'
import type { Meter } from '../ports/meter.ts'
import { pause, rejectAll } from './committing.ts'
import { type Entry, entryKeys } from './entry.ts'
import type { Errands } from './errands.ts'
import type { HeadMemory } from './head-memory.ts'
import { hold } from './holding.ts'
import { type Lease, Leases, OwnNames } from './lease.ts'
import { offer, waitForHolder } from './offering.ts'
import { runPipeline } from './pipeline.ts'
import { nameOf, Queue, type Waiting, wasOffered } from './queue.ts'
import type { Head } from './record.ts'
import type { RoundTrip } from './round-trip.ts'
import { refusalOf, sameHead } from './state.ts'

export interface LaneContext {
  store: LogStore
  mailbox: Mailbox
  signer: Signer
  clock: Clock
  meter: Meter
  heads: HeadMemory
  errands: Errands
  /** Until when, ms since the epoch, the mailbox is taken to be out of order. */
  trouble: { until: number }
  /** How long a question takes what became of an offer. */
  asking: RoundTrip
  /** How long a look into the mailbox takes. */
  looking: RoundTrip
  /** Height of the network as last known. */
  height(): number | undefined
}

/** After so many lost races in a row there are too many writers for racing. */
const RACES = 3
/** How long who wrote last lets another one go first, ms: as long as a commit takes. */
const TURN_MS = 25
/** Between two looks whether he has, ms. */
const LOOK_MS = 5
/** Who has waited so long gives way to nobody, ms. */
const IMPATIENT_MS = 400

export class Lane {
  private readonly process: string
  private readonly context: LaneContext
  private readonly onIdle: () => void
  private readonly queue = new Queue()
  private readonly own = new OwnNames()
  private readonly leases = new Leases(this.own)
  private isRunning = false
  /** When the last of its requests must have its answer, ms. */
  private latest = 0
  /** Races lost in a row. */
  private races = 0
  /** The head as it was told last: what the next try begins from. */
  private known: Head | undefined
  private leftovers: OfferName[] = []

  constructor(process: string, context: LaneContext, onIdle: () => void) {
    this.process = process
    this.context = context
    this.onIdle = onIdle
  }

  /** Resolves with the place; fails with what the log says of the entry, or `unavailable` when the deadline is reached. */
  add(entry: Entry, deadline: number): Promise<Place> {
    const { clock } = this.context
    this.latest = Math.max(this.latest, deadline)
    return new Promise((resolve, reject) => {
      const timer = new AbortController()
      const settle = (answer: () => void) => {
        if (waiting.settled) return
        waiting.settled = true
        timer.abort()
        if (waiting.mailbox === 'perhaps' || waiting.mailbox === 'there') this.withdraw(waiting)
        answer()
      }
      const waiting: Waiting = {
        entry,
        keys: entryKeys(entry),
        deadline,
        since: clock.now(),
        offer: randomUUID(),
        own: true,
        mailbox: 'never',
        sent: false,
        made: new Set(),
        settled: false,
        resolve: (place) => settle(() => resolve(place)),
        reject: (error) => settle(() => reject(error)),
      }
      // The caller is answered at its deadline whatever is being waited for.
      void clock.sleep(deadline - clock.now(), timer.signal).then(() => waiting.reject(outOfTime(waiting)))
      this.queue.add(waiting)
      if (!this.isRunning) {
        this.isRunning = true
        void this.run()
      }
    })
  }

  /** Best effort, and several at once. */
  private withdraw(one: Waiting): void {
    if (this.leftovers.push(nameOf(one)) > 1) return
    queueMicrotask(() => {
      const names = this.leftovers.splice(0)
      this.context.errands.add(this.context.mailbox.withdraw(this.process, names).catch(() => undefined))
    })
  }

  /** Never rejects: whatever goes wrong is an answer to those who wait. */
  private async run(): Promise<void> {
    for (;;) {
      const waiting = this.queue.pending()
      if (waiting.length === 0) break
      try {
        await this.goOn()
      } catch (error) {
        this.known = undefined
        this.context.heads.forget(this.process)
        // Who came later has not been tried yet.
        for (const one of waiting) one.reject(error instanceof Error ? error : new Error(String(error)))
      }
    }
    this.isRunning = false
    this.onIdle()
  }

  private async goOn(): Promise<void> {
    const { process, context, queue, own, leases } = this
    const { clock, heads } = context
    const holder = this.known || context.trouble.until > clock.now() ? undefined : heads.holder(process)
    if (holder && !own.has(holder.by)) return this.follow(holder, true)
    const head = await this.currentHead()
    const refusal = refusalOf(head)
    if (!head || refusal) {
      heads.forget(process)
      if (refusal) await rejectAll(context, queue.pending(), refusal)
      return
    }
    const isTrouble = context.trouble.until > clock.now()
    const rival = isTrouble ? undefined : leases.rival(head, clock.now())
    if (rival) return this.follow(rival, false)
    if (
      !isTrouble &&
      (this.races >= RACES || (head.lease && head.lease.until > clock.now() && own.has(head.lease.by)))
    ) {
      return this.hold(head)
    }
    await this.race(head)
  }

  /** By itself, from this head. */
  private async race(head: Head): Promise<void> {
    const { process, context, queue } = this
    const { clock, heads } = context
    const end = await runPipeline(head, { process, context, queue })
    if (end.kind === 'drained') {
      this.races = 0
      return
    }
    this.races++
    heads.moved(process, end.head)
    this.known = end.head
    // Who won has an answer to send first: the head that came back is good for a try at once. If that goes on and nobody can
    // commit for all, hold back, and read the head before signing again; who has waited long holds back no more.
    const [first] = queue.pending()
    if (this.races <= RACES || !first || clock.now() - first.since > IMPATIENT_MS) return
    await pause(clock, this.races - RACES)
    this.known = undefined
  }

  /** For all who wait, if nobody else does so meanwhile. */
  private async hold(head: Head): Promise<void> {
    const { process, context, queue, own, leases, latest } = this
    this.races = 0
    try {
      this.known = await hold(head, { process, context, queue, own, leases, latest })
    } catch {
      // What others offered must not fail what this instance is asked for: that is tried by itself, and fails by itself.
      context.heads.forget(process)
    }
  }

  /** While another one commits for all. */
  private async follow(lease: Lease, isHearsay: boolean): Promise<void> {
    const { process, context, queue, own, leases } = this
    context.heads.heat(process)
    if (!isHearsay) context.heads.heldBy(process, lease)
    let finish: () => void = () => undefined
    const onBaton = () => {
      finish = context.errands.begin()
    }
    try {
      const end = await waitForHolder({ process, context, queue, own, leases, onBaton }, lease, isHearsay)
      if (end.kind !== 'settled') context.heads.cool(process)
      switch (end.kind) {
        case 'settled':
          return
        case 'vacant':
          this.known = end.head
          return
        case 'race': {
          const head = await this.read()
          if (!head || refusalOf(head)) return
          await this.race(head)
          // The holder goes on meanwhile: not all of his time may be taken.
          return queue.pending().length > 0 ? await pause(context.clock, RACES) : undefined
        }
        case 'hold': {
          const head = await this.read()
          if (!head || leases.rival(head, context.clock.now())) return
          await this.hold(head)
        }
      }
    } finally {
      finish()
    }
  }

  /** The head as it is, or probably is. */
  private async currentHead(): Promise<Head | undefined> {
    const { process, context, queue, own, leases } = this
    const { heads, clock, trouble } = context
    const told = this.known
    this.known = undefined
    if (told) return told
    if (heads.isHot(process) && trouble.until <= clock.now()) {
      // What others are to commit is offered while the head is read that says who does.
      const [head] = await Promise.all([this.read(), offer({ process, context, queue, own, leases })])
      if (!leases.rival(head, clock.now())) heads.cool(process)
      return head
    }
    return heads.trusted(process) ?? (await this.readInTurn())
  }

  /**
   * Where another instance writes too, who wrote last lets the other one go first: he knows the head and has nothing to wait
   * for, and would win all the time. Reads overlap, so that the other one's commit is seen as soon as it is there.
   */
  private async readInTurn(): Promise<Head | undefined> {
    const { store, clock, heads } = this.context
    const last = heads.recall(this.process)
    if (!last || !heads.isShared(this.process)) return this.read()
    const turn = new AbortController()
    const patience = clock.now() + TURN_MS
    let moved: Head | undefined
    const look = async () => {
      const head = await store.head(this.process).catch(() => undefined)
      if (!head || sameHead(head, last)) return
      if (!moved || head.next > moved.next) moved = head
      turn.abort()
    }
    while (!turn.signal.aborted && clock.now() < patience) {
      void look()
      await clock.sleep(LOOK_MS, turn.signal)
    }
    if (!moved) return this.read()
    heads.read(moved)
    return moved
  }

  private async read(): Promise<Head | undefined> {
    const head = await this.context.store.head(this.process)
    if (head) this.context.heads.read(head)
    return head
  }
}

const outOfTime = (one: Waiting) =>
  new SchedulerError(
    'unavailable',
    one.sent || wasOffered(one)
      ? 'The log did not answer in time: the item may have been scheduled, or may still be; asking again is safe'
      : 'The process is too busy: the item was not scheduled; asking again is safe',
    { retryAfter: 1 },
  )
