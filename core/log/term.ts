/**
 * A term: an instance leads a contended process. It commits its own entries and those that others submitted, until its time is
 * over and a successor is named, or few write. Should it die or stall, the others find that its lease ran out.
 */
import { randomUUID } from 'node:crypto'
import type { ProcessContext } from './context.ts'
import { Intake } from './intake.ts'
import { type Leadership, runPipeline } from './pipeline.ts'
import type { Pending } from './queue.ts'
import type { Head, Lease } from './record.ts'
import { refusalOf } from './state.ts'

/**
 * `claiming`: its lease is not in the head yet. `serving`: others count on it. `resigning`: the lease is given up, and stragglers
 * are served. `handing over`: a commit that names a successor is on its way. `over`: the successor leads.
 */
type Phase = 'claiming' | 'serving' | 'resigning' | 'handing over' | 'over'

export class Term implements Leadership {
  readonly latest: number
  private phase: Phase = 'claiming'
  private readonly context: ProcessContext
  private readonly name = randomUUID()
  private readonly ends: number
  private intake: Intake | undefined
  private successor: Pending | undefined
  /** When an entry of another instance was served last, ms. */
  private servedAt: number
  /** How long entries of others wait, ms, on average. */
  private wait: number
  private census = { at: 0, waited: 0 }

  /** @param latest when the instance's own requests must have their answers, ms since the epoch */
  constructor(context: ProcessContext, head: Head, latest: number) {
    const { clock, tuning, outlook } = context
    const now = clock.now()
    this.context = context
    this.ends = Math.min(now + tuning.termMs, latest)
    this.latest = latest + tuning.graceMs
    this.servedAt = now
    // Known from the leader before it: from scratch the others would ask too early and too often at first.
    this.wait = head.lease && head.lease.until > 0 ? outlook.sane(head.lease.wait) : tuning.firstWaitMs
    outlook.own(this.name, now + tuning.termMs + 60_000, now)
  }

  /** Resolves when it is over; the outlook knows the head. Fails as the pipeline does. */
  async run(head: Head): Promise<void> {
    const { context } = this
    const { clock, outlook, queue, store, process, tuning } = context
    if (head.lease && outlook.isOwn(head.lease.by)) this.serve()
    try {
      for (let at = head; clock.now() < this.latest; ) {
        const isDrained = await runPipeline(at, context, this)
        // The commit that named a successor did not happen.
        if (this.phase === 'handing over') this.phase = 'serving'
        if (!isDrained) {
          if (!outlook.isTold) {
            const read = await store.head(process)
            if (read) outlook.read(read, clock.now())
          }
          const now = outlook.isTold ? outlook.head : undefined
          // Another instance leads, or nothing can be committed: the worker sees to it.
          if (!now || refusalOf(now) || clock.now() < outlook.ledUntil) return
          at = outlook.take() ?? now
          continue
        }
        if (this.phase === 'claiming' || this.phase === 'over') return
        at = outlook.head ?? at
        const idle = clock.now() - this.servedAt
        if (idle >= (this.hasResigned() ? 0 : tuning.leaseMs) + tuning.stragglersMs) return outlook.clear()
        const either = new AbortController()
        await Promise.race([queue.arrival(either.signal), clock.sleep(tuning.busyIntakeMs, either.signal)])
        either.abort()
      }
    } finally {
      outlook.losses = 0
      this.intake?.stop()
      queue.keepOwn()
    }
  }

  /** Resolves when nothing that it began is under way. Never fails. */
  async close(): Promise<void> {
    await this.intake?.close()
  }

  isOver(): boolean {
    return this.phase === 'handing over' || this.phase === 'over'
  }

  lease(batch: readonly Pending[]): Lease {
    const { clock, outlook, tuning } = this.context
    const now = clock.now()
    const isDue = now >= this.ends && !this.hasResigned()
    this.successor = isDue ? batch.findLast((one) => !one.own && one.deadline > now + tuning.successorMs) : undefined
    if (this.successor) this.phase = 'handing over'
    return {
      by: this.successor?.id ?? this.name,
      until: this.hasResigned() ? 0 : now + outlook.leaseMs(this.wait),
      wait: outlook.sane(this.wait),
    }
  }

  committed(batch: readonly Pending[]): void {
    const { clock, outlook, tuning } = this.context
    const now = clock.now()
    if (this.phase === 'claiming') this.serve()
    if (this.successor && batch.includes(this.successor)) this.phase = 'over'
    for (const one of batch) {
      this.census.waited += now - one.since
      if (one.own) continue
      this.servedAt = now
      this.wait += (now - one.since - this.wait) * 0.1
    }
    outlook.contend(now)
    const time = now - this.census.at
    if (time < tuning.censusMs) return
    // Entries that wait at once, on average.
    if (this.phase === 'serving' && this.census.waited / time < tuning.fewWriters) this.phase = 'resigning'
    this.census = { at: now, waited: 0 }
  }

  /** Only a leader whose lease is in the head takes entries in: of many that claim at once all but one sign in vain. */
  private serve(): void {
    this.phase = 'serving'
    this.intake = new Intake(this.context)
    this.census = { at: this.context.clock.now(), waited: 0 }
  }

  /** Few write, or the queue does not answer: the others are better off without a leader. */
  private hasResigned(): boolean {
    const { clock, tuning } = this.context
    return this.phase === 'resigning' || (this.intake?.silence(clock.now()) ?? 0) > tuning.deafMs
  }
}
