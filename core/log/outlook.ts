/**
 * All that an instance knows of one process, and what it does next. What it knows may be wrong: a stale head costs a signature and a
 * commit in vain, a stale lease some waiting, never a wrong answer. docs/contended-processes.md has the states as a diagram.
 */
import type { Head, Lease } from './record.ts'
import { sameHead } from './state.ts'
import type { Tuning } from './tuning.ts'

/**
 * `reading`: the head is not known, and is read. `committing`: commits by itself, from the head that it knows. `yielding`: another
 * instance writes too, and gets its turn before the head is read. `submitting`: the process is contended, so entries are
 * submitted while the head is read. `following`: another instance leads. `leading`: this one does.
 */
export type State = 'reading' | 'committing' | 'yielding' | 'submitting' | 'following' | 'leading'

/** What decides on the next state. */
export type Knowledge = Pick<
  Outlook,
  | 'head'
  | 'isTold'
  | 'isShared'
  | 'losses'
  | 'isLeader'
  | 'ledUntil'
  | 'contendedUntil'
  | 'queueDownUntil'
  | 'isPassedOver'
>

/** What comes next. Pure: `test/core/log/outlook.test.ts` has it as a table. */
export function next(known: Knowledge, now: number, { lossesToLead }: Pick<Tuning, 'lossesToLead'>): State {
  const mayCombine = now >= known.queueDownUntil && !known.isPassedOver
  if (mayCombine && now < known.ledUntil) return 'following'
  if (known.isTold) return mayCombine && (known.isLeader || known.losses >= lossesToLead) ? 'leading' : 'committing'
  if (mayCombine && now < known.contendedUntil) return 'submitting'
  if (!known.head) return 'reading'
  return known.isShared ? 'yielding' : 'committing'
}

export class Outlook {
  /** As it was read, written or told last. */
  head: Head | undefined
  /** The store has just told the head: it is good for one attempt, whoever writes. */
  isTold = false
  /** Another instance was seen to write. */
  isShared = false
  /** Commits lost to other instances in a row. */
  losses = 0
  /** The told head has a lease of this instance's own that holds. */
  isLeader = false
  /** The lease of another instance, and until when that is taken to lead, ms. */
  lease: Lease | undefined
  ledUntil = 0
  /** Until when its writers are taken to meet, ms. */
  contendedUntil = 0
  /** The leader serves others and not this instance, which makes one attempt by itself. */
  isPassedOver = false
  private readonly tuning: Tuning
  private readonly queue: { downUntil: number }
  /** The lease of another instance that was met last, and when. */
  private met: { by: string; until: number; at: number } | undefined
  /** Names of leases that are this instance's own, and until when each may be met, ms. */
  private readonly names = new Map<string, number>()

  constructor(tuning: Tuning, queue: { downUntil: number }) {
    this.tuning = tuning
    this.queue = queue
  }

  /** Until when the submission queue is taken to be down, ms: for the whole instance. */
  get queueDownUntil(): number {
    return this.queue.downUntil
  }

  next(now: number): State {
    return next(this, now, this.tuning)
  }

  /** The head was read. Where it is the one that is remembered, no other instance seems to write. */
  read(head: Head, now: number): void {
    this.isShared = this.head !== undefined && !sameHead(this.head, head)
    this.told(head, now)
  }

  /** A commit was lost: another instance moved the head, perhaps to where the store told. */
  lost(head: Head | undefined, now: number): void {
    this.losses++
    this.isShared = true
    this.isTold = false
    if (head) this.told(head, now)
  }

  /** This instance moved the head. */
  wrote(head: Head): void {
    this.head = head
    this.isTold = false
  }

  /** The head for an attempt; it is not as good as told after that. A head that takes no entries is read again each time. */
  take(): Head | undefined {
    this.isTold = false
    if (this.head?.state !== 'open') this.head = undefined
    return this.head
  }

  /** The head is not known any more. */
  forget(): void {
    this.head = undefined
    this.isTold = false
  }

  /** Its writers met, or a leader served this instance. */
  contend(now: number): void {
    this.contendedUntil = now + this.tuning.contendedMs
  }

  /** The leader served this instance: it was alive, whatever its lease said. */
  served(now: number): void {
    this.contend(now)
    if (this.lease) this.ledUntil = now + this.tuning.leaseMs
  }

  /** No leader, and no other writer for a while. */
  clear(): void {
    this.contendedUntil = 0
    this.ledUntil = 0
    this.lease = undefined
  }

  /** The leader is gone: this instance leads, unless the head that is told next names another one. */
  succeed(): void {
    this.clear()
    this.losses = this.tuning.lossesToLead
  }

  /** @param until ms since the epoch */
  own(name: string, until: number, now: number): void {
    for (const [old, end] of this.names) {
      if (end >= now) break
      this.names.delete(old)
    }
    this.names.set(name, until)
  }

  isOwn(name: string): boolean {
    return this.names.has(name)
  }

  /** How long a lease holds after its commit, ms. Where everything is slow, by what entries wait, so is the leader. */
  leaseMs(wait: number): number {
    return this.tuning.leaseMs + 2 * Math.min(this.tuning.leaseMs, this.sane(wait))
  }

  /** A wait as far as it is believed, ms. */
  sane(wait: number): number {
    return Math.min(this.tuning.maxWaitMs, Math.max(0, Math.round(wait)))
  }

  private told(head: Head, now: number): void {
    this.head = head
    this.isTold = true
    this.isLeader = false
    const { lease } = head
    this.lease = undefined
    this.ledUntil = 0
    if (!lease || lease.until <= now) return
    if (this.isOwn(lease.by)) {
      this.isLeader = true
      return
    }
    if (this.met?.by !== lease.by || this.met.until !== lease.until) {
      this.met = { by: lease.by, until: lease.until, at: now }
    }
    // The very same lease is over in time, also where the clock of a dead leader was ahead.
    if (now - this.met.at >= this.leaseMs(lease.wait)) return
    this.lease = { ...lease, wait: this.sane(lease.wait) }
    this.ledUntil = now + this.tuning.leaseMs
  }
}
