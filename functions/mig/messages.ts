/** Brings in a Rust unit's messages, one of its databases after the other, until it is done or has to stop. */
import { SchedulerError } from '../../core/errors.ts'
import type { MigrationDeps } from '../../core/migration/deps.ts'
import type { MigrationLimits, migrate } from '../../core/migration/migrate.ts'
import {
  type MigrationAnswer,
  type MigrationOrder,
  nothingYet,
  type ProcessReport,
} from '../../core/migration/order.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { MigrationSource } from '../../core/ports/migration-source.ts'
import { isBeyond, type MessagesCursor } from './cursor.ts'
import type { MessagesOrder } from './messages-event.ts'
import { type KnownSources, type NamedSource, sourcesOf } from './sources.ts'

export type OpenSource = (address: string, batchRows: number) => MigrationSource & { close(): Promise<void> }

export interface MessagesParts {
  sources: KnownSources
  /** MIGRATION_BATCH_SIZE */
  batchSize: number
  openSource: OpenSource
  /** This unit's side. Fails with `invalid-request` where its log was never begun, or came back from a backup. */
  openTarget(): Promise<Omit<MigrationDeps, 'source'>>
  migrate: typeof migrate
  clock: Clock
}

/** In which of several databases a process was. */
export type MessagesReport = ProcessReport & { database?: string }

export interface MessagesWatcher {
  /** A process is done with. In no order. */
  onProcess(report: MessagesReport): void
  /** So many message rows of so many of a database are done; `of` is undefined until it is known. */
  onProgress(rows: number, of: number | undefined, database: string | undefined): void
}

export interface MessagesAnswer extends Omit<MigrationAnswer, 'after'> {
  after?: MessagesCursor
}

export interface BroughtIn {
  answer: MessagesAnswer
  /** Whether it came further than where it was to go on. */
  advanced: boolean
}

/** Fails with `invalid-request` where something is wrong that the operator has to mend; what stops it later is in the answer. */
export async function bringInMessages(
  parts: MessagesParts,
  { source, order, after, batchSize = parts.batchSize }: MessagesOrder,
  limits: MigrationLimits,
  watcher: MessagesWatcher,
): Promise<BroughtIn> {
  const target = await parts.openTarget()
  const sources = await sourcesOf(source, order.rows, parts.sources)
  const databases = sources.flatMap(({ database }) => database ?? [])
  const left = sources.slice(firstOf(sources, after))

  const ofAll: MessagesAnswer = nothingYet()
  const stoppedAt = (cursor: MessagesCursor, stopped: string): BroughtIn => ({
    answer: { ...ofAll, after: cursor, stopped },
    advanced: isBeyond(cursor, after, databases),
  })
  for (const [index, one] of left.entries()) {
    const named = one.database === undefined ? {} : { database: one.database }
    // Between two of them its time may be over, too.
    if (index > 0 && parts.clock.now() >= limits.deadline) {
      return stoppedAt(named, 'The time of this invocation is over.')
    }
    const { database, ...begin } = index === 0 ? (after ?? {}) : {}
    const here: MigrationOrder = { ...order, ...(after && index === 0 && { after: begin }) }
    const answer = await inOne(parts, one, target, here, batchSize, limits, watcher)
    addTo(ofAll, answer)
    if (!answer.done) {
      return stoppedAt({ ...named, ...(answer.after ?? begin) }, answer.stopped ?? 'It stopped.')
    }
  }
  return { answer: { ...ofAll, done: true }, advanced: true }
}

function firstOf(sources: readonly NamedSource[], after: MessagesCursor | undefined): number {
  if (after === undefined || (after.database === undefined && sources.length === 1)) return 0
  const first = sources.findIndex(({ database }) => database === after.database)
  if (first >= 0) return first
  throw new SchedulerError(
    'invalid-request',
    `It is to go on in ${after.database ?? 'a database without a name'}, and there are ${sources.map(({ database }) => database ?? 'one without a name').join(', ')}.`,
  )
}

async function inOne(
  { openSource, migrate }: MessagesParts,
  { database, address }: NamedSource,
  target: Omit<MigrationDeps, 'source'>,
  order: MigrationOrder,
  batchSize: number,
  limits: MigrationLimits,
  { onProcess, onProgress }: MessagesWatcher,
): Promise<MigrationAnswer> {
  const source = openSource(address.reveal(), batchSize)
  try {
    return await migrate({ ...target, source }, order, limits, {
      onProcess: (report) => onProcess(database === undefined ? report : { ...report, database }),
      onProgress: (rows, of) => onProgress(rows, of, database),
    })
  } finally {
    await source.close()
  }
}

function addTo(sum: MessagesAnswer, { outcomes, processes, copied, there, faults, notices }: MigrationAnswer): void {
  for (const [outcome, count] of Object.entries(outcomes) as [keyof typeof outcomes, number][]) {
    sum.outcomes[outcome] = (sum.outcomes[outcome] ?? 0) + count
  }
  sum.processes += processes
  sum.copied += copied
  sum.there += there
  sum.faults += faults
  sum.notices += notices
}
