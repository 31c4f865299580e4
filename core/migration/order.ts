/** What an operator asks of a migration, and what it answers. */
import type { Fault } from '../audit/fault.ts'
import type { HeadState } from '../log/record.ts'
import type { RowRange } from '../ports/migration-source.ts'

/**
 * What becomes of a process once all of it is here. `open`: it takes messages from then on; the old unit must not schedule any more.
 * `frozen`: it can be read, and the rest brought in later; the old unit goes on. `history`: it can be read, and takes no
 * messages ever: what another wallet has signed.
 */
export type Ending = 'open' | 'frozen' | 'history'

export interface MigrationOrder {
  /** Message rows of the source. */
  rows: RowRange
  /** None but these processes, if they are among them. */
  processes?: readonly string[] | undefined
  /** Looks only: nothing is written. */
  auditOnly: boolean
  ending: Ending
  /** Brings in what is not sound as it is, where a log can hold it, and tells of it. */
  despiteFaults: boolean
  /** Looks at nothing again that a frozen head covers: an earlier call has just audited and compared it. Nothing: at all of it. */
  restOnly?: boolean | undefined
  /** What was scheduled from then on (ms) is uploaded again: the old unit may not have come to it. Nothing: nothing is. */
  reuploadSince?: number | undefined
  /** Goes on where an earlier call stopped. */
  after?: Cursor | undefined
}

/** How far a call came. All processes up to `process` are done; of the next one, `at`, some nonces may be. */
export interface Cursor {
  process?: string | undefined
  at?: { process: string; step: Step; nonce: number } | undefined
}

/** What is done with a process, in this order. */
export type Step = 'audit' | 'copy' | 'compare'

/** What became of a process. */
export type Outcome =
  /** All of it is here, and it is what was asked for: `Ending`. */
  | 'open'
  | 'frozen'
  | 'history'
  /** What was asked for is here; the rest is another call's, that brings other rows. It is final when all is here. */
  | 'waiting'
  /** Nothing of it was brought in: it has faults. It stands here as one that is being migrated, so that nobody spawns it anew. */
  | 'left-out'
  /** It is sound; nothing was to be written (`auditOnly`). */
  | 'sound'
  /** It has faults; nothing was to be written. */
  | 'unsound'

/** Something that no fault is, and that an operator should know. */
export interface Notice {
  nonce: number
  what: string
}

/** Both sides of a process, compared. */
export interface ProcessReport {
  process: string
  outcome: Outcome
  /** The source's side: message rows, and different nonces among them. */
  source: { messages: number; nonces: number; highest: number | undefined }
  /** This side: the head as it is now; none where there is none. */
  here: { state: HeadState; next: number } | undefined
  /** Records of the rows that were asked for, the process's own one among them: brought in now, or there already. */
  copied: number
  there: number
  faults: readonly Fault[]
  notices: readonly Notice[]
}

export interface MigrationAnswer {
  /** Everything that was asked for was looked at. */
  done: boolean
  /** Where to go on, where it is not done. */
  after?: Cursor
  /** Why it stopped before it was done. */
  stopped?: string
  outcomes: Partial<Record<Outcome, number>>
  processes: number
  copied: number
  there: number
  faults: number
  notices: number
}

/** Before anything is looked at. */
export const nothingYet = (): MigrationAnswer => ({
  done: false,
  outcomes: {},
  processes: 0,
  copied: 0,
  there: 0,
  faults: 0,
  notices: 0,
})

/** What is said while it works. */
export interface MigrationWatcher {
  /** A process is done with. In no order. */
  onProcess(report: ProcessReport): void
  /** So many message rows of so many are done; `of` is undefined until it is known. */
  onProgress(rows: number, of: number | undefined): void
}

/** Whether all that was asked for is here and sound. */
export const isWell = ({ done, faults, outcomes }: MigrationAnswer): boolean =>
  done && faults === 0 && (outcomes['left-out'] ?? 0) + (outcomes.unsound ?? 0) === 0
