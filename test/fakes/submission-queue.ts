/** The submission queue in memory, over the log that says what became of what was submitted. */
import { SchedulerError } from '../../core/errors.ts'
import type { Standing } from '../../core/ports/log-store.ts'
import type { News, Submission, SubmissionName, SubmissionQueue } from '../../core/ports/submission-queue.ts'
import { type FakeLogStore, standingOf } from './log-store.ts'

export class FakeSubmissionQueue implements SubmissionQueue {
  readonly #log: FakeLogStore
  readonly #submissions = new Map<string, Map<string, Submission>>()

  constructor(log: FakeLogStore) {
    this.#log = log
  }

  async submit(process: string, submissions: readonly Submission[]): Promise<void> {
    const box = this.#box(process)
    for (const submission of submissions) box.set(submission.id, submission)
  }

  async names(process: string): Promise<SubmissionName[]> {
    return [...this.#box(process).values()]
      .map(({ id, since, deadline }) => ({ id, since, deadline }))
      .sort((a, b) => a.since - b.since)
  }

  async open(process: string, names: readonly SubmissionName[]): Promise<Submission[]> {
    const box = this.#box(process)
    return names.flatMap(({ id }) => box.get(id) ?? [])
  }

  async withdraw(process: string, submissions: readonly SubmissionName[]): Promise<void> {
    for (const { id } of submissions) this.#box(process).delete(id)
  }

  async outcomes(process: string, submissions: readonly Submission[]): Promise<Map<string, Standing>> {
    const outcomes = new Map<string, Standing>()
    for (const { id, entry } of submissions) {
      const finding = await this.#log.findItem(process, entry)
      const known = entry.deepHash?.claimed ? this.#log.deepHash(process, entry.deepHash.hash) : undefined
      if (finding) outcomes.set(id, standingOf(finding))
      else if (known) outcomes.set(id, known)
    }
    return outcomes
  }

  async news(process: string, submissions: readonly Submission[]): Promise<News> {
    const head = await this.#log.head(process)
    return { outcomes: await this.outcomes(process, submissions), ...(head && { head }) }
  }

  #box(process: string): Map<string, Submission> {
    const box = this.#submissions.get(process) ?? new Map<string, Submission>()
    this.#submissions.set(process, box)
    return box
  }
}

/** No submission queue at all: every instance writes by itself. */
const nobody = () => Promise.reject(new SchedulerError('unavailable', 'There is no submission queue here.'))
export const noSubmissionQueue: SubmissionQueue = {
  submit: nobody,
  names: nobody,
  open: nobody,
  withdraw: nobody,
  outcomes: nobody,
  news: nobody,
}
