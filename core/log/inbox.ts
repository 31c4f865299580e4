/** What a holder takes out of the mailbox: offers of other instances, into its queue as they come, and out of the box when done. */
import type { OfferName } from '../ports/mailbox.ts'
import type { LaneContext } from './lane.ts'
import type { OwnNames } from './lease.ts'
import { offered, type Queue } from './queue.ts'

/** Between two looks, ms: more seldom while enough is there to be signed. */
const LOOK_MS = 8
const BUSY_LOOK_MS = 20
/** At most, however long a look takes. */
const MAX_LOOK_MS = 50
/** Entries that are enough for that: more than are signed until the next look has brought its own. */
const ENOUGH = 24
/** Looks under way at once: a slow one must not hold up those that follow. */
const LOOKS = 3
/** How long those who came later wait for the first look, ms. */
const FIRST_MS = 100
/** A body that is not there is asked for again after so long, and then each time after twice as long, ms. */
const MISSING_MS = 10

export interface InboxOptions {
  process: string
  context: LaneContext
  queue: Queue
  own: OwnNames
}

export class Inbox {
  private readonly options: InboxOptions
  private readonly stopped = new AbortController()
  private readonly openedAt: number
  /** Offers that were met already, by id: taken, or done. */
  private readonly seen = new Set<string>()
  private readonly missing = new Map<string, { tries: number; again: number }>()
  private done: OfferName[] = []
  private readonly calls = new Set<Promise<void>>()
  private isWithdrawing = false
  private answeredAt: number
  private looking: Promise<void> | undefined
  /** The first look, which brings those who have waited longest. */
  private first: Promise<void> | undefined

  constructor(options: InboxOptions) {
    this.options = options
    const now = options.context.clock.now()
    this.openedAt = now
    this.answeredAt = now
  }

  /** From then on it is looked at again and again, until it is closed. */
  open(): void {
    this.looking ??= this.look()
  }

  get isOpen(): boolean {
    return this.looking !== undefined
  }

  /** Since when no look was answered, ms. */
  silence(now: number): number {
    return this.isOpen ? now - this.answeredAt : 0
  }

  /** Nothing is taken in any more. */
  stop(): void {
    this.stopped.abort()
  }

  /** Resolves when nothing that it began is under way, and what is done is out of the mailbox. Never fails. */
  async close(): Promise<void> {
    this.stop()
    await this.looking
    await Promise.all(this.calls)
    await this.withdraw()
  }

  private async look(): Promise<void> {
    const { context, queue } = this.options
    const { signal } = this.stopped
    while (!signal.aborted) {
      if (this.calls.size < LOOKS) {
        const call = this.call(this.takeIn(this.first))
        this.first ??= Promise.race([call, context.clock.sleep(FIRST_MS, signal)])
      }
      if (!this.isWithdrawing) void this.call(this.withdraw())
      const pause = queue.pending().length >= ENOUGH ? BUSY_LOOK_MS : LOOK_MS
      await context.clock.sleep(Math.min(MAX_LOOK_MS, Math.max(pause, context.looking.ms)), signal)
    }
  }

  private call(work: Promise<void>): Promise<void> {
    // What cannot be had now comes with the next look.
    const call = work.catch(() => undefined).finally(() => this.calls.delete(call))
    this.calls.add(call)
    return call
  }

  private async takeIn(first: Promise<void> | undefined): Promise<void> {
    const { process, context, queue, own } = this.options
    const { clock, mailbox, looking } = context
    const now = clock.now()
    const all = await looking.measure(mailbox.names(process))
    this.answeredAt = Math.max(this.answeredAt, now)
    const names = all.filter(
      ({ id }) => !this.seen.has(id) && !own.has(id) && (this.missing.get(id)?.again ?? 0) <= now,
    )
    for (const { id } of names) this.seen.add(id)
    this.done.push(...names.filter(({ deadline }) => deadline <= now))
    const wanted = names.filter(({ deadline }) => deadline > now)
    if (wanted.length === 0 || this.stopped.signal.aborted) return
    const offers = await mailbox.open(process, wanted).catch(() => [])
    const found = new Set(offers.map(({ id }) => id))
    for (const { id } of wanted) if (!found.has(id)) this.missed(id, now)
    // What was offered before this holder began, another one may have committed already.
    const old = offers.filter(({ since }) => since < this.openedAt)
    const known = old.length === 0 ? undefined : await mailbox.outcomes(process, old).catch(() => undefined)
    await first
    if (this.stopped.signal.aborted) return
    this.done.push(...offers.filter(({ id }) => known?.has(id)))
    queue.add(...offers.flatMap((offer) => (known?.has(offer.id) ? [] : [offered(offer, () => this.done.push(offer))])))
  }

  /** A name may be seen before what it names, or without it for good. */
  private missed(id: string, now: number): void {
    const tries = (this.missing.get(id)?.tries ?? 0) + 1
    this.missing.set(id, { tries, again: now + MISSING_MS * 2 ** tries })
    this.seen.delete(id)
  }

  private async withdraw(): Promise<void> {
    if (this.done.length === 0) return
    const { process, context } = this.options
    this.isWithdrawing = true
    try {
      await context.mailbox.withdraw(process, this.done.splice(0)).catch(() => undefined)
    } finally {
      this.isWithdrawing = false
    }
  }
}
