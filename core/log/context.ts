/** What the write path works with: in an instance, and for one process. */
import type { Signer } from '../ans104/signer.ts'
import type { Clock } from '../ports/clock.ts'
import type { LogStore } from '../ports/log-store.ts'
import type { Meter } from '../ports/meter.ts'
import type { SubmissionQueue } from '../ports/submission-queue.ts'
import type { BackgroundTasks } from './background.ts'
import type { Outlook } from './outlook.ts'
import type { Queue } from './queue.ts'
import type { Tuning } from './tuning.ts'

export interface LogContext {
  store: LogStore
  submissionQueue: SubmissionQueue
  signer: Signer
  clock: Clock
  meter: Meter
  /** Height of the network as last known. */
  height(): number | undefined
  tuning: Tuning
  background: BackgroundTasks
  /** Until when, ms since the epoch, the submission queue is taken to be down. */
  queueState: { downUntil: number }
}

export interface ProcessContext extends LogContext {
  process: string
  queue: Queue
  outlook: Outlook
}
