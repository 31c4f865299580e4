/**
 * Takes processes over from a unit that goes on: copies while it runs, waits until it refuses each of them and has come to rest, copies the
 * rest, compares that, and opens them here. Between the freeze there and the opening here lie the last few messages and the
 * time that a request may take, however long a process is: all else was audited and compared just before. No process waits for another.
 */
import pMap from 'p-map'
import { hasCode } from '../errors.ts'
import type { OldUnit } from '../ports/old-unit.ts'
import type { MigrationDeps } from './deps.ts'
import { migrate } from './migrate.ts'
import { isWell, type MigrationAnswer, type MigrationOrder, type ProcessReport } from './order.ts'

export interface CutOverDeps extends MigrationDeps {
  old: OldUnit
}

export interface CutOverOrder extends Pick<MigrationOrder, 'reuploadSince'> {
  /** None: all that the source has. */
  processes?: readonly string[] | undefined
  /** How long the newest nonce must stand still once the old unit refuses: longer than its longest request, ms. */
  settleMs: number
  /** How long it is waited for that, ms. */
  patienceMs: number
}

export interface CutOverWatcher {
  /** What was copied while the old unit goes on. */
  onCopied(answer: MigrationAnswer): void
  onProcess(report: CutOverReport): void
  onProgress(done: number, of: number): void
  /** Processes that still wait for the old unit to refuse them. */
  onWaiting(processes: number): void
}

export type CutOverReport =
  /** What became of it: open here where `report.outcome` is that, and no fault is in it. */
  | { process: string; kind: 'brought'; report: ProcessReport }
  /** It stays where it is, and what was copied of it is frozen here. */
  | { process: string; kind: 'not-refused' | 'not-at-rest' | 'no-answer'; why: string }

export interface CutOverAnswer {
  /** Of all processes: open here, and nothing wrong. */
  well: boolean
  opened: number
  left: number
}

/** It is looked so often whether the old unit refuses a process, ms. */
const POLL_MS = 1_000
/** Processes that are watched at once; most of the time nothing is asked. */
const WATCHED_AT_ONCE = 500

/** Fails with `invalid-request` where the source cannot be read. */
export async function cutOver(
  deps: CutOverDeps,
  { processes, settleMs, patienceMs, reuploadSince }: CutOverOrder,
  watcher: CutOverWatcher,
): Promise<CutOverAnswer> {
  const order = { rows: { from: 0 }, auditOnly: false, despiteFaults: false } as const
  const never = { deadline: Number.POSITIVE_INFINITY }
  const ready: string[] = []
  const answer: CutOverAnswer = { well: false, opened: 0, left: 0 }
  const copied = await migrate(deps, { ...order, processes, ending: 'frozen' }, never, {
    onProcess(report) {
      if (report.outcome === 'frozen' || report.outcome === 'open') ready.push(report.process)
      else answer.left++
      if (report.faults.length > 0) watcher.onProcess({ process: report.process, kind: 'brought', report })
    },
    onProgress: (done, of) => watcher.onProgress(done, of ?? done),
  })
  watcher.onCopied(copied)
  if (!copied.done) return answer

  let waiting = ready.length
  watcher.onWaiting(waiting)
  const deadline = deps.clock.now() + patienceMs
  const takeOver = async (process: string): Promise<void> => {
    const report = await atRest(deps, process, settleMs, deadline)
    watcher.onWaiting(--waiting)
    if (report) {
      answer.left++
      watcher.onProcess(report)
      return
    }
    // Only now it is known what the old unit has come to.
    const brought = await bringRest(deps, process, { ...order, reuploadSince, restOnly: true })
    const open = 'report' in brought && brought.report.outcome === 'open' && brought.report.faults.length === 0
    if (open) answer.opened++
    else answer.left++
    watcher.onProcess(brought)
  }
  await pMap(ready, takeOver, { concurrency: WATCHED_AT_ONCE })
  return { ...answer, well: isWell(copied) && answer.left === 0 }
}

/** Undefined once the old unit refuses the process and nothing more comes. */
async function atRest(
  { old, source, clock }: CutOverDeps,
  process: string,
  settleMs: number,
  deadline: number,
): Promise<CutOverReport | undefined> {
  const left = (kind: 'not-refused' | 'not-at-rest' | 'no-answer', why: string) => ({ process, kind, why }) as const
  let standing: number | undefined
  let since: number | undefined
  for (;;) {
    let why: CutOverReport
    try {
      const refused = await old.refuses(process)
      const { highest = -1 } = await source.extent(process)
      if (!refused) {
        since = undefined
        why = left('not-refused', 'the old unit still takes messages for it')
      } else {
        // One that came before the refusal may still be under way there: only then does the time begin.
        if (since === undefined || highest !== standing) since = clock.now()
        else if (clock.now() - since >= settleMs) return undefined
        why = left('not-at-rest', 'its newest nonce does not stand still')
      }
      standing = highest
    } catch (error) {
      if (!hasCode(error, 'unavailable')) throw error
      // What cannot be asked may have changed.
      since = undefined
      why = left('no-answer', error.message)
    }
    const wait = Math.min(POLL_MS, settleMs)
    if (clock.now() + wait >= deadline) return why
    await clock.sleep(wait)
  }
}

async function bringRest(
  deps: CutOverDeps,
  process: string,
  order: Pick<MigrationOrder, 'rows' | 'auditOnly' | 'despiteFaults' | 'reuploadSince' | 'restOnly'>,
): Promise<CutOverReport> {
  let report: ProcessReport | undefined
  const { stopped } = await migrate(
    deps,
    { ...order, processes: [process], ending: 'open' },
    { deadline: Number.POSITIVE_INFINITY },
    {
      onProcess(found) {
        report = found
      },
      onProgress() {},
    },
  )
  return report
    ? { process, kind: 'brought', report }
    : { process, kind: 'no-answer', why: stopped ?? 'it was not looked at' }
}
