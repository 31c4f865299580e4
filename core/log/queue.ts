/** Entries of one process that wait in this instance for their place, in the order in which their requests came. */
import type { Place } from '../errors.ts'
import type { Offer, OfferName } from '../ports/mailbox.ts'
import { type Entry, entryKeys } from './entry.ts'

/** An entry on its way, with its answer to come. */
export interface Waiting {
  readonly entry: Entry
  readonly keys: readonly string[]
  /** ms since the epoch; after it the caller has gone. */
  readonly deadline: number
  readonly since: number
  /** Among those of the same moment: the first one first. Set by the queue. */
  order?: number
  /** The id under which it is, or may be, in the mailbox. */
  readonly offer: string
  /** False: another instance's, taken from the mailbox. */
  readonly own: boolean
  /** Whether it is in the mailbox: `perhaps` where no answer came, `gone` when the holder has taken it out. */
  mailbox: 'never' | 'perhaps' | 'there' | 'gone'
  /** Whether a commit with it was sent. */
  sent: boolean
  /** Ids of the assignments made for it so far: one of them in the log is this entry's own success. */
  readonly made: Set<string>
  settled: boolean
  resolve(place: Place): void
  reject(error: Error): void
}

export const wasOffered = ({ mailbox }: Waiting): boolean => mailbox !== 'never'

export const offerOf = ({ offer: id, entry, since, deadline }: Waiting): Offer => ({ id, entry, since, deadline })
export const nameOf = ({ offer: id, since, deadline }: Waiting): OfferName => ({ id, since, deadline })

/** An entry that another instance offered: its answer is in the log, and only taking it out of the mailbox is left to do. */
export function offered({ id, entry, since, deadline }: Offer, done: () => void): Waiting {
  const settle = () => {
    if (one.settled) return
    one.settled = true
    done()
  }
  const one: Waiting = {
    entry,
    keys: entryKeys(entry),
    deadline,
    since,
    offer: id,
    own: false,
    mailbox: 'there',
    sent: false,
    made: new Set(),
    settled: false,
    resolve: settle,
    reject: settle,
  }
  return one
}

const comesBefore = (one: Waiting, other: Waiting | undefined): boolean =>
  other !== undefined &&
  (one.since < other.since || (one.since === other.since && (one.order ?? 0) < (other.order ?? 0)))

export class Queue {
  private waiting: Waiting[] = []
  private arrivals: (() => void)[] = []
  private added = 0

  /** Those who still wait, the first one first. */
  pending(): readonly Waiting[] {
    this.waiting = this.waiting.filter((one) => !one.settled)
    return this.waiting
  }

  add(...entries: Waiting[]): void {
    // What was given out stays as it was.
    this.waiting = [...this.waiting]
    for (const one of entries) {
      if (one.settled) continue
      one.order ??= this.added++
      let at = this.waiting.length
      while (at > 0 && comesBefore(one, this.waiting[at - 1])) at--
      this.waiting.splice(at, 0, one)
    }
    for (const wake of this.arrivals.splice(0)) wake()
  }

  /** Takes out the first one that may come next: of two with a key in common the second waits for what becomes of the first. */
  next(taken: ReadonlySet<string>): Waiting | undefined {
    const index = this.waiting.findIndex((one) => !one.settled && !one.keys.some((key) => taken.has(key)))
    const one = this.waiting[index]
    if (one) this.waiting = this.waiting.toSpliced(index, 1)
    return one
  }

  /** Takes these out. */
  remove(entries: readonly Waiting[]): void {
    this.waiting = this.waiting.filter((one) => !entries.includes(one))
  }

  /** Leaves out what other instances offered. */
  keepOwn(): void {
    this.waiting = this.waiting.filter((one) => one.own)
  }

  /** Resolves with the next `add`, or when the signal aborts. */
  arrival(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.arrivals.push(resolve)
      signal?.addEventListener('abort', () => resolve(), { once: true })
    })
  }
}
