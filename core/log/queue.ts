/** Entries of one process that wait in this instance for their places, in the order in which their requests came. */
import type { Place } from '../errors.ts'
import type { Submission } from '../ports/submission-queue.ts'
import { type Entry, entryKeys } from './entry.ts'

/** An entry on its way, and its answer. It is a submission too, so that it can be submitted as it is. */
export interface Pending extends Submission {
  readonly entry: Entry
  readonly keys: readonly string[]
  /** Of those of the same moment the first one comes first. Set by the queue. */
  order?: number
  /** False: another instance's, taken from the submission queue. */
  readonly own: boolean
  /** Whether it is in the submission queue: `perhaps` where no answer came, `gone` when the leader has taken it out. */
  submitted: 'never' | 'perhaps' | 'there' | 'gone'
  /** Whether a commit with it was sent. */
  sent: boolean
  /** A neighbour of it was refused: it comes next, beside others so marked only, so that no other entry fails it again. */
  again: boolean
  /** Ids of the assignments made for it so far: one of them in the log is this entry's own success. */
  readonly made: Set<string>
  /** When a follower asks next what became of it, ms, and how often it has asked in vain. */
  askAt?: number
  asked: number
  settled: boolean
  /** The first answer counts. */
  settle(answer: Place | Error): void
}

export const wasSubmitted = ({ submitted }: Pending): boolean => submitted !== 'never'

/** @param answered called once */
export function createPending(
  submission: Submission,
  own: boolean,
  answered: (answer: Place | Error) => void,
): Pending {
  const pending: Pending = {
    ...submission,
    keys: entryKeys(submission.entry),
    own,
    submitted: own ? 'never' : 'there',
    sent: false,
    again: false,
    made: new Set(),
    asked: 0,
    settled: false,
    settle(answer) {
      if (pending.settled) return
      pending.settled = true
      answered(answer)
    },
  }
  return pending
}

const comesBefore = (one: Pending, other: Pending | undefined): boolean =>
  other !== undefined &&
  (one.since < other.since || (one.since === other.since && (one.order ?? 0) < (other.order ?? 0)))

export class Queue {
  private waiting: Pending[] = []
  private arrivals: (() => void)[] = []
  private added = 0

  /** The entries that still wait, the first one first. */
  pending(): readonly Pending[] {
    this.waiting = this.waiting.filter((one) => !one.settled)
    return this.waiting
  }

  add(...entries: Pending[]): void {
    // A list that was given out stays as it was.
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

  /**
   * Takes out the entry that comes next: marked ones first, and of two with a key in common the first one.
   * @param taken keys that an entry under way has: another one with such a key waits for what becomes of it
   * @param again whether only entries with this mark may come
   */
  next(taken: ReadonlySet<string>, again?: boolean): Pending | undefined {
    const may = (one: Pending) => !one.settled && !one.keys.some((key) => taken.has(key))
    const marked = again === false ? undefined : this.waiting.find((one) => one.again && may(one))
    const one = marked ?? (again === true ? undefined : this.waiting.find((other) => !other.again && may(other)))
    if (one) this.waiting = this.waiting.filter((other) => other !== one)
    return one
  }

  /** Drops the entries of other instances. */
  keepOwn(): void {
    this.waiting = this.waiting.filter((one) => one.own)
  }

  /** Resolves with the next `add`, or when the signal aborts. */
  arrival(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.arrivals.push(resolve)
      signal?.addEventListener(
        'abort',
        () => {
          this.arrivals = this.arrivals.filter((wake) => wake !== resolve)
          resolve()
        },
        { once: true },
      )
    })
  }
}
