/**
 * The worker of one process in one instance. Where no other instance writes, it commits one batch after the other and asks nothing
 * else. Where others do, one of them leads for a while (`term.ts`), and the others follow (`follow.ts`). The outlook says what comes
 * next. The condition on the head decides, and nothing here is needed for correctness.
 */
import { randomUUID } from 'node:crypto'
import type { Place } from '../errors.ts'
import type { SubmissionName } from '../ports/submission-queue.ts'
import { asError, outOfTime, pause, readHead, refuseAll } from './commit.ts'
import type { LogContext, ProcessContext } from './context.ts'
import type { Entry } from './entry.ts'
import { follow, submit } from './follow.ts'
import type { Outlook } from './outlook.ts'
import { runPipeline } from './pipeline.ts'
import { createPending, Queue, wasSubmitted } from './queue.ts'
import type { Head } from './record.ts'
import { refusalOf, sameHead } from './state.ts'
import { Term } from './term.ts'

export class Worker {
  private readonly context: ProcessContext
  private readonly queue = new Queue()
  private readonly onIdle: () => void
  private isRunning = false
  /** When the last of its requests must have its answer, ms since the epoch. */
  private latest = 0
  /** Ends the background task of a successor. */
  private release: (() => void) | undefined
  private leftovers: SubmissionName[] = []

  constructor(process: string, context: LogContext, outlook: Outlook, onIdle: () => void) {
    this.context = { ...context, process, outlook, queue: this.queue }
    this.onIdle = onIdle
  }

  /** Resolves with the place; fails with what the log says of the entry, or `unavailable` when the deadline is reached. */
  add(entry: Entry, deadline: number): Promise<Place> {
    const { clock } = this.context
    this.latest = Math.max(this.latest, deadline)
    return new Promise((resolve, reject) => {
      const timer = new AbortController()
      const submission = { id: randomUUID(), entry, since: clock.now(), deadline }
      const pending = createPending(submission, true, (answer) => {
        timer.abort()
        if (pending.submitted === 'perhaps' || pending.submitted === 'there') this.withdraw(submission)
        if (answer instanceof Error) reject(answer)
        else resolve(answer)
      })
      // The caller is answered at its deadline whatever is being waited for.
      void clock
        .sleep(deadline - clock.now(), timer.signal)
        .then(() => pending.settle(outOfTime(pending.sent || wasSubmitted(pending))))
      this.queue.add(pending)
      if (!this.isRunning) {
        this.isRunning = true
        void this.run()
      }
    })
  }

  /** Best effort, and several at once. */
  private withdraw(submission: SubmissionName): void {
    if (this.leftovers.push(submission) > 1) return
    queueMicrotask(() => {
      const { background, submissionQueue, process } = this.context
      background.add(submissionQueue.withdraw(process, this.leftovers.splice(0)).catch(() => undefined))
    })
  }

  /** Never rejects: whatever goes wrong is an answer to the entries that wait. */
  private async run(): Promise<void> {
    for (;;) {
      const waiting = this.queue.pending()
      const { release } = this
      // A successor leads although its own entries have their answers.
      if (waiting.length === 0 && !release) break
      this.release = undefined
      try {
        await this.step()
      } catch (error) {
        this.context.outlook.forget()
        // Entries that came later have not been tried yet.
        for (const one of waiting) one.settle(asError(error))
      }
      release?.()
    }
    // What was told is old when the next entry comes.
    this.context.outlook.take()
    this.isRunning = false
    this.onIdle()
  }

  private async step(): Promise<void> {
    const { context } = this
    const { clock, outlook } = context
    const refusal = outlook.isTold ? refusalOf(outlook.head) : undefined
    if (refusal) {
      outlook.forget()
      return await refuseAll(context, refusal)
    }
    const state = outlook.next(clock.now())
    switch (state) {
      case 'reading':
        return void (await readHead(context))
      case 'yielding':
        return await this.yield()
      case 'submitting': {
        const [head] = await Promise.all([readHead(context), submit(context)])
        if (head && clock.now() >= outlook.ledUntil) outlook.clear()
        return
      }
      case 'committing':
        return await this.commit()
      case 'following':
        return await follow(context, () => {
          this.release ??= context.background.begin()
        })
      case 'leading':
        return await this.lead()
    }
  }

  /** By itself, from the head that is known. */
  private async commit(): Promise<void> {
    const { context, queue } = this
    const { clock, outlook, tuning } = context
    const head = outlook.take()
    if (!head) return
    const { isPassedOver } = outlook
    const isDrained = await runPipeline(head, context)
    outlook.isPassedOver = false
    if (isDrained) {
      outlook.losses = 0
      return
    }
    const [first] = queue.pending()
    if (!first) return
    // The leader goes on meanwhile: not all of its time may be taken.
    if (isPassedOver) return await pause(context, tuning.lossesToLead)
    // The winner has an answer to send first: the head that came back is good for an attempt at once. If that goes on and no
    // instance can lead, this one holds back, and reads the head again; an entry that has waited long holds back no more.
    if (outlook.losses <= tuning.lossesToLead || clock.now() - first.since > tuning.impatientMs) return
    await pause(context, outlook.losses - tuning.lossesToLead)
    outlook.take()
  }

  private async lead(): Promise<void> {
    const { context } = this
    const head = context.outlook.take()
    if (!head) return
    const term = new Term(context, head, this.latest)
    // A failure by what others submitted must not fail this instance's entries: these are tried by themselves.
    const run = term.run(head).catch(() => context.outlook.forget())
    context.background.add(run.then(() => term.close()))
    await run
  }

  /**
   * Where another instance writes too, the last writer lets it commit first: it knows the head and has nothing to wait for, and would
   * win every time. Reads overlap, so that the other one's commit is seen as soon as it is there.
   */
  private async yield(): Promise<void> {
    const { store, clock, outlook, process, tuning } = this.context
    const last = outlook.head
    const turn = new AbortController()
    const end = clock.now() + tuning.turnMs
    let moved: Head | undefined
    const look = async () => {
      const head = await store.head(process).catch(() => undefined)
      if (!head || (last && sameHead(head, last))) return
      if (!moved || head.next > moved.next) moved = head
      turn.abort()
    }
    while (!turn.signal.aborted && clock.now() < end) {
      void look()
      await clock.sleep(tuning.turnReadMs, turn.signal)
    }
    if (moved) outlook.read(moved, clock.now())
    else await readHead(this.context)
  }
}
