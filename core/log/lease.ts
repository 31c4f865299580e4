/**
 * Who commits for a busy process at the moment, as its head says. A lease keeps nobody out and promises nothing: it tells
 * the others that offering is better than racing. What keeps the order is the condition of every commit on the head.
 */
import type { Head } from './record.ts'

export interface Lease {
  /** The holder, or the offer whose instance is to be the next one. */
  by: string
  /** By the holder's clock, ms: after that others need not wait for him. 0: it was given up. */
  until: number
  /** How long those who offer wait for their place at the moment, ms. */
  wait: number
}

/** How long a lease holds after each commit, ms: longer than a commit takes on a bad day, shorter than anybody's patience. */
export const LEASE_MS = 1_000
/** Where everything is slow, by what others wait, so is the holder: a lease that ran out under him would only add races to that. */
export const leaseMs = (wait: number): number => LEASE_MS + 2 * Math.min(LEASE_MS, saneWait(wait))
/** What is believed of how long others wait, ms: a clock that is far off must not make anybody wait for ever. */
const MAX_WAIT_MS = 5_000

/** How long others wait, as a lease may say it. */
export const saneWait = (ms: number): number => Math.min(MAX_WAIT_MS, Math.max(0, Math.round(ms)))

/** The names under which an instance's own lease is known, its offers' among them (one of which may have been passed on to). */
export class OwnNames {
  /** Until when each may be met, ms. */
  private readonly names = new Map<string, number>()

  has(name: string): boolean {
    return this.names.has(name)
  }

  /** @param until ms since the epoch */
  add(name: string, until: number, now: number): void {
    for (const [old, end] of this.names) {
      if (end >= now) break
      this.names.delete(old)
    }
    this.names.set(name, until)
  }
}

/** Leases as an instance meets them in heads. */
export class Leases {
  private readonly own: OwnNames
  private last: { by: string; until: number; seen: number } | undefined

  constructor(own: OwnNames) {
    this.own = own
  }

  /**
   * The lease of somebody else that is alive: neither has it run out by what it says, nor was the very same one seen
   * `leaseMs` ago. So a dead holder's is over in time even if his clock was ahead.
   */
  rival(head: Head | undefined, now: number): Lease | undefined {
    const lease = head?.lease
    if (!lease || lease.until <= now || this.own.has(lease.by)) return undefined
    if (this.last?.by !== lease.by || this.last.until !== lease.until) {
      this.last = { by: lease.by, until: lease.until, seen: now }
    }
    return now - this.last.seen < leaseMs(lease.wait) ? { ...lease, wait: saneWait(lease.wait) } : undefined
  }
}
