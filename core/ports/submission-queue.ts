/**
 * Where instances that follow leave their entries for the one that leads a contended process. Nothing here is needed for
 * correctness: a submission is never more than a request, made a second time.
 */
import type { Entry } from '../log/entry.ts'
import type { Head } from '../log/record.ts'
import type { Standing } from './log-store.ts'

/** An entry that a caller waits for. */
export interface Submission {
  /** Unique; the record's own row names it, so that its instance knows its own success from another's. */
  id: string
  entry: Entry
  /** When its request came, ms: the order in which they are served. */
  since: number
  /** When its caller must have an answer, ms: after that no caller waits for it. */
  deadline: number
}

/** The part of a submission that is read again and again. */
export type SubmissionName = Pick<Submission, 'id' | 'since' | 'deadline'>

export interface SubmissionQueue {
  /** Fails with `unavailable`: then it may be there or not, as with all of these. */
  submit(process: string, submissions: readonly Submission[]): Promise<void>
  /** Those that wait, the oldest first; the newest may be missing, and some that are gone may still be there. */
  names(process: string): Promise<SubmissionName[]>
  /** The submissions of these names; what cannot be found or read is missing. */
  open(process: string, names: readonly SubmissionName[]): Promise<Submission[]>
  /** Takes submissions out. Best effort: what stays is forgotten by itself after a while. */
  withdraw(process: string, submissions: readonly SubmissionName[]): Promise<void>
  /** What became of these, by id of the submission; of those that are missing nothing is known yet. */
  outcomes(process: string, submissions: readonly Submission[]): Promise<Map<string, Standing>>
  /** The same, and the process's head as it is now (a consistent read), in one call. Without one where it could not be had. */
  news(process: string, submissions: readonly Submission[]): Promise<News>
}

export interface News {
  outcomes: Map<string, Standing>
  head?: Head
}
