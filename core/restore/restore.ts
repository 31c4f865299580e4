/**
 * Restores a log: completes each head from all that is kept elsewhere, says what cannot be proved, and takes the log over, so that it
 * is scheduled in again. Nothing is scheduled before: the log names other tables than those that it is in (`core/schedule/identity-guard.ts`).
 * docs/restore.md tells the whole story.
 */
import { pMapIterable } from 'p-map'
import { SchedulerError } from '../errors.ts'
import type { LogIdentity } from '../ports/log-identity.ts'
import { cut } from './cut.ts'
import type { RestoreDeps } from './deps.ts'
import { type ProcessReport, restoreProcess } from './process.ts'
import { isWhole, type Known, survey } from './survey.ts'

export interface RestoreOptions {
  /** Otherwise nothing is changed, and it is told what would be. */
  write: boolean
  /** Processes of which the operator accepts what is missing. */
  accept: ReadonlySet<string> | 'all'
  /** @param of processes that are looked at closer */
  onProgress?: ((done: number, of: number) => void) | undefined
}

const PROCESSES_AT_ONCE = 8

/** A log that came back, and the tables that it is in now. */
export interface Restored {
  /** Undefined where the row is lost that says whose log it is. */
  recorded: LogIdentity | undefined
  tables: string
}

/** Undefined where the log is in its own tables: there is nothing to be restored. Fails with `foreign-log` for another wallet's. */
export async function restoredLog({ identity, wallet }: RestoreDeps): Promise<Restored | undefined> {
  const [recorded, tables] = await Promise.all([identity.recorded(), identity.actualTables()])
  if (recorded && recorded.wallet !== wallet.wallet) {
    throw new SchedulerError('foreign-log', `This log belongs to the wallet ${recorded.wallet}`)
  }
  return recorded?.tables === tables ? undefined : { recorded, tables }
}

/**
 * Gives a report for each process in which something does not fit, in no order. May be repeated, and taken up again after a crash. One
 * at a time. Fails with `invalid-request` where the log is in its own tables, and with `unavailable`.
 */
export async function* restoreLog(
  deps: RestoreDeps,
  { write, accept, onProgress }: RestoreOptions,
): AsyncGenerator<ProcessReport> {
  if (!(await restoredLog(deps))) throw ownTables()
  const suspects = [...(await survey(deps))].filter(([, known]) => isSuspect(deps, known))
  const lost = new Map<string, number>()
  const accepted = (process: string) => accept === 'all' || accept.has(process)
  const restore = ([process, known]: [string, Known]) =>
    restoreProcess(deps, process, known, { write, accept: accepted(process) })
  let done = 0
  onProgress?.(0, suspects.length)
  for await (const report of pMapIterable(suspects, restore, { concurrency: PROCESSES_AT_ONCE })) {
    onProgress?.(++done, suspects.length)
    if (report.cut !== undefined) lost.set(report.process, report.cut)
    if (isNews(report)) yield report
  }
  if (!write || lost.size === 0) return
  // Whoever took the log over meanwhile has scheduled since, and what is new would be forgotten with what is lost.
  if (!(await restoredLog(deps))) throw ownTables()
  await cut(deps, lost)
}

/** What is whole may have uploads to be passed over, and another unit's process may be open here. */
const isSuspect = ({ units }: RestoreDeps, known: Known): boolean =>
  !isWhole(known) || known.uploadsLeft || (units !== undefined && known.head?.state === 'open')

const isNews = ({ kind, changed, doubts }: ProcessReport): boolean =>
  kind === 'elsewhere' ? changed : kind !== 'whole' || changed || doubts.length > 0

/** Whether the log may be taken over as far as this process goes. */
export const isReady = ({ kind, changed, closed }: ProcessReport): boolean => {
  if (changed) return false
  return kind === 'whole' || kind === 'elsewhere' || kind === 'moving' || (kind === 'broken' && closed)
}

export interface TakenOver {
  tables: string
  /** What stands in the way; nothing is changed then. */
  unready: readonly ProcessReport[]
  /** Processes that stay closed. */
  closed: readonly ProcessReport[]
}

/** The log belongs to the tables that it is in, and is scheduled in from now on: all at once. Fails as `restoreLog` does. */
export async function takeOver(
  deps: RestoreDeps,
  { onProgress }: Pick<RestoreOptions, 'onProgress'> = {},
): Promise<TakenOver> {
  const before = await restoredLog(deps)
  if (!before) throw ownTables()
  const unready: ProcessReport[] = []
  const closed: ProcessReport[] = []
  for await (const report of restoreLog(deps, { write: false, accept: new Set(), onProgress })) {
    if (!isReady(report)) unready.push(report)
    else if (report.closed) closed.push(report)
  }
  const { recorded, tables } = before
  const taken = { ...deps.wallet, tables, generation: deps.clock.now() }
  if (unready.length === 0 && !(await deps.identity.takeOver(recorded, taken))) {
    throw new SchedulerError('unavailable', 'The log was taken over by another command. Run restore take-over again.')
  }
  return { tables, unready, closed }
}

const ownTables = () =>
  new SchedulerError('invalid-request', 'The log is in the tables that it belongs to: there is nothing to be restored.')
