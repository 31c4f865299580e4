/** A leader's intake: takes submissions of other instances into its queue as they come, and out of the submission queue when done. */
import type { SubmissionName } from '../ports/submission-queue.ts'
import type { ProcessContext } from './context.ts'
import { createPending } from './queue.ts'

export class Intake {
  private readonly context: ProcessContext
  private readonly stopped = new AbortController()
  private readonly openedAt: number
  /** Submissions that were met already, by id: taken, or done. */
  private readonly seen = new Set<string>()
  /** Names without a body yet. */
  private readonly missing = new Map<string, { tries: number; again: number }>()
  private done: SubmissionName[] = []
  private readonly calls = new Set<Promise<void>>()
  private isWithdrawing = false
  private answeredAt: number
  private readonly looking: Promise<void>
  /** The first look, which brings the submissions that have waited longest. */
  private first: Promise<void> | undefined

  /** It looks into the submission queue again and again, until it is closed. */
  constructor(context: ProcessContext) {
    this.context = context
    this.openedAt = context.clock.now()
    this.answeredAt = this.openedAt
    this.looking = this.look()
  }

  /** For how long no look was answered, ms. */
  silence(now: number): number {
    return now - this.answeredAt
  }

  /** Nothing is taken in any more. */
  stop(): void {
    this.stopped.abort()
  }

  /** Resolves when nothing that it began is under way, and what is done is out of the queue. Never fails. */
  async close(): Promise<void> {
    this.stop()
    await this.looking
    await Promise.all(this.calls)
    await this.withdraw()
  }

  private async look(): Promise<void> {
    const { clock, queue, tuning } = this.context
    const { signal } = this.stopped
    while (!signal.aborted) {
      if (this.calls.size < tuning.intakeCalls) {
        const call = this.call(this.takeIn(this.first))
        this.first ??= Promise.race([call, clock.sleep(tuning.firstIntakeMs, signal)])
      }
      if (!this.isWithdrawing) void this.call(this.withdraw())
      await clock.sleep(queue.pending().length >= tuning.enough ? tuning.busyIntakeMs : tuning.intakeMs, signal)
    }
  }

  private call(work: Promise<void>): Promise<void> {
    // What fails now comes with the next look.
    const call = work.catch(() => undefined).finally(() => this.calls.delete(call))
    this.calls.add(call)
    return call
  }

  private async takeIn(first: Promise<void> | undefined): Promise<void> {
    const { process, clock, queue, submissionQueue, outlook } = this.context
    const now = clock.now()
    const all = await submissionQueue.names(process)
    this.answeredAt = Math.max(this.answeredAt, now)
    const isDue = (id: string) => (this.missing.get(id)?.again ?? 0) <= now
    const names = all.filter(({ id }) => !this.seen.has(id) && !outlook.isOwn(id) && isDue(id))
    for (const { id } of names) this.seen.add(id)
    this.done.push(...names.filter(({ deadline }) => deadline <= now))
    const wanted = names.filter(({ deadline }) => deadline > now)
    if (wanted.length === 0 || this.stopped.signal.aborted) return
    const submissions = await submissionQueue.open(process, wanted).catch(() => [])
    const found = new Set(submissions.map(({ id }) => id))
    for (const { id } of wanted) if (!found.has(id)) this.missed(id, now)
    // A submission from before this term may be committed already.
    const old = submissions.filter(({ since }) => since < this.openedAt)
    const known = old.length === 0 ? undefined : await submissionQueue.outcomes(process, old).catch(() => undefined)
    await first
    if (this.stopped.signal.aborted) return
    for (const submission of submissions) {
      if (known?.has(submission.id)) this.done.push(submission)
      else queue.add(createPending(submission, false, () => this.done.push(submission)))
    }
  }

  /** A name may be seen before its body, or without one for good. */
  private missed(id: string, now: number): void {
    const tries = (this.missing.get(id)?.tries ?? -1) + 1
    this.missing.set(id, { tries, again: now + this.context.tuning.missingMs * 2 ** tries })
    this.seen.delete(id)
  }

  private async withdraw(): Promise<void> {
    if (this.done.length === 0) return
    const { process, submissionQueue } = this.context
    this.isWithdrawing = true
    await submissionQueue.withdraw(process, this.done.splice(0)).catch(() => undefined)
    this.isWithdrawing = false
  }
}
