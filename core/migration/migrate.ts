/** Brings in the processes that a range of the source's rows belongs to, several at once, until it is done or has to stop. */
import pMap from 'p-map'
import { hasCode } from '../errors.ts'
import { backOff } from '../relay/backoff.ts'
import { bringProcess, type From } from './bring.ts'
import { createDeepHashes } from './deep-hashes.ts'
import type { MigrationDeps } from './deps.ts'
import {
  type Cursor,
  type MigrationAnswer,
  type MigrationOrder,
  type MigrationWatcher,
  nothingYet,
  type ProcessReport,
} from './order.ts'
import { type RunContext, Stopped } from './run.ts'

export interface MigrationLimits {
  /** When it is to have stopped, ms since the epoch. It may become another while it works: somebody waits no longer. */
  readonly deadline: number
}

/** Processes on their way at once: most are small, and wait for source and log by turns. */
const AT_ONCE = 8
/** How long trouble of source, log or gateway is borne with, for each process, ms. */
const PATIENCE_MS = 60_000

/** Fails with `invalid-request` where the source cannot be read at all; what stops it later is in the answer. */
export async function migrate(
  deps: MigrationDeps,
  { after, ...order }: MigrationOrder,
  limits: MigrationLimits,
  watcher: MigrationWatcher,
): Promise<MigrationAnswer> {
  const answer: MigrationAnswer = nothingYet()
  const progress = createProgress(deps, order, watcher)
  const context: RunContext = {
    deps,
    order,
    deepHashes: createDeepHashes(deps.gateway),
    get deadline() {
      return limits.deadline
    },
    onRows: progress.add,
  }
  let reached = after
  const settle = (report: ProcessReport): void => {
    answer.outcomes[report.outcome] = (answer.outcomes[report.outcome] ?? 0) + 1
    answer.processes++
    answer.copied += report.copied
    answer.there += report.there
    answer.faults += report.faults.length
    answer.notices += report.notices.length
    watcher.onProcess(report)
  }
  try {
    for await (const batch of processesOf(deps, order, after)) {
      for (let at = 0; at < batch.length; at += AT_ONCE) {
        const together = batch.slice(at, at + AT_ONCE)
        const stopped = await bringTogether(context, together, after?.at, settle)
        if (stopped) {
          // Those before it are done; those behind it, if they are, are found so.
          const process = together[stopped.index - 1] ?? reached?.process
          reached = { ...(process !== undefined && { process }), ...(stopped.at && { at: stopped.at }) }
          return { ...answer, stopped: stopped.why, ...(reached && { after: reached }) }
        }
        reached = { process: together.at(-1) }
      }
    }
    return { ...answer, done: true }
  } catch (error) {
    if (!hasCode(error, 'unavailable')) throw error
    return { ...answer, stopped: error.message, ...(reached && { after: reached }) }
  }
}

interface StoppedAt {
  /** Of the first process that is not done. */
  index: number
  why: string
  at?: Cursor['at']
}

async function bringTogether(
  context: RunContext,
  processes: readonly string[],
  at: Cursor['at'],
  settle: (report: ProcessReport) => void,
): Promise<StoppedAt | undefined> {
  const stops = await pMap(
    processes,
    async (process, index): Promise<StoppedAt | undefined> => {
      try {
        settle(await bearingWithTrouble(context, process, at?.process === process ? at : undefined))
        return undefined
      } catch (error) {
        if (error instanceof Stopped) return { index, why: error.message, at: error.at }
        if (!hasCode(error, 'unavailable')) throw error
        return { index, why: error.message }
      }
    },
    { concurrency: AT_ONCE },
  )
  return stops.find((stop) => stop !== undefined)
}

/** What fails for a moment in a run that takes hours ends nothing: every step may be repeated. */
async function bearingWithTrouble(
  context: RunContext,
  process: string,
  from: From | undefined,
): Promise<ProcessReport> {
  const { clock } = context.deps
  const until = Math.min(context.deadline, clock.now() + PATIENCE_MS)
  for (let attempt = 1; ; attempt++) {
    try {
      return await bringProcess(context, process, from)
    } catch (error) {
      if (!hasCode(error, 'unavailable') || !(await backOff(clock, attempt, until))) throw error
    }
  }
}

/** Those that were asked for, after the last one that is done. */
async function* processesOf(
  { source }: MigrationDeps,
  { rows, processes }: Pick<MigrationOrder, 'rows' | 'processes'>,
  after: Cursor | undefined,
): AsyncIterable<readonly string[]> {
  const done = after?.process
  if (processes === undefined) {
    yield* source.processes(rows, done)
    return
  }
  const wanted = [...new Set(processes)].sort((a, b) => (a < b ? -1 : 1))
  yield wanted.filter((process) => done === undefined || process > done)
}

/** Of the rows that were asked for so many were gone through; each is as often as there are steps. */
function createProgress(
  { source }: MigrationDeps,
  order: Pick<MigrationOrder, 'rows' | 'processes' | 'auditOnly'>,
  watcher: MigrationWatcher,
) {
  const steps = order.auditOnly ? 1 : 2
  let rows = 0
  let of: number | undefined
  if (order.processes === undefined) {
    // Counting takes long in a large table, and nobody needs it to begin.
    source.size(order.rows).then(
      ({ messages }) => {
        of = messages
      },
      () => undefined,
    )
  }
  return {
    add(count: number): void {
      rows += count
      watcher.onProgress(Math.floor(rows / steps), of)
    },
  }
}
