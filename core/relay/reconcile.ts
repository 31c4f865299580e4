/**
 * The reconciler: once a minute it looks at what the stream is done with and left behind. It retries owed parts, wakes processes whose
 * watermarks are behind, and goes through a slice of all processes for those that the stream has dropped without a trace. What
 * it costs grows with what is behind, not with the number of processes.
 */
import pMap from 'p-map'
import type { LogStore } from '../ports/log-store.ts'
import type { Marker, Owed, Progress, Sink } from '../ports/relay-store.ts'
import type { RelayDeps } from './deps.ts'
import { attemptPart } from './owed.ts'
import { behindIn, nextAttempt, reachOf } from './sink.ts'
import { keepDeadLetter, TRIES } from './upload.ts'

export interface ReconcileDeps extends RelayDeps {
  records: Pick<LogStore, 'records' | 'timeKeys'>
  /** Whether a gateway has an item; where a sample of what was uploaded is looked for. */
  isPublished?: ((id: string) => Promise<boolean>) | undefined
}

export interface ReconcileReport {
  /** Processes that are behind or owe something. */
  marked: number
  woken: number
  /** Owed parts that are done now. */
  settled: number
  owed: number
  deadLetters: number
  /** Age of the oldest record that is not done, ms. */
  lag: Record<Sink, number>
}

const PROCESSES_AT_ONCE = 8
/** Processes looked at in a run; the others are due in the next one. */
const LOOKS = 1_000
/** Attempts that may fail in a run: an account in trouble is not made worse. */
const FAILURES = 100
/** A process that is behind is looked at again in the next run, a minute later. */
const LOOK_AGAIN_MS = 45_000
/** One with dead letters alone: for the count of them. */
const COUNT_AGAIN_MS = 86_400_000
/** The stream is at work where a head moved so recently, ms. */
const QUIET_MS = 120_000
/** A gateway has what was uploaded so long ago, ms. */
const PUBLISHED_MS = 86_400_000
/** Runs between two samples: some 48 a day. */
const RUNS_A_SAMPLE = 30

/** @param deadline ms; what is begun before it may take its own time limit beyond it. Fails with `unavailable`. */
export async function reconcile(deps: ReconcileDeps, deadline: number): Promise<ReconcileReport> {
  const { store, clock, meter } = deps
  const slice = await store.slice()
  for (const { process, timestamp, ...progress } of slice.processes) {
    const dropped =
      timestamp + QUIET_MS <= clock.now() && behindIn({ process, timestamp, ...progress }, deps.sinks).length > 0
    if (dropped || slice.owing.has(process)) await store.mark(process, clock.now())
  }
  const report = {
    marked: 0,
    woken: 0,
    settled: 0,
    owed: 0,
    deadLetters: 0,
    lag: { metadata: 0, upload: 0, segments: 0 },
  }
  const due: Marker[] = []
  const count = ({ owed, deadLetters, behind }: Marker): void => {
    report.marked++
    report.owed += owed
    report.deadLetters += deadLetters
    for (const [sink, since] of Object.entries(behind)) {
      report.lag[sink as Sink] = Math.max(report.lag[sink as Sink], clock.now() - since)
    }
  }
  for await (const marker of store.markers()) {
    if (marker.at <= clock.now() && due.length < LOOKS) due.push(marker)
    else count(marker)
  }
  const run: Run = { deps, deadline, failures: 0, report }
  await pMap(
    due.sort((one, other) => one.at - other.at),
    async (marker) => count((await look(run, marker)) ?? { ...marker, owed: 0, deadLetters: 0, behind: {} }),
    { concurrency: PROCESSES_AT_ONCE },
  )
  // Also 0: a metric that ends and one that is well must not look the same.
  meter.count('owed_parts', report.owed)
  meter.count('dead_letters', report.deadLetters)
  for (const sink of deps.sinks) meter.count(`${sink}_lag_seconds`, Math.round(report.lag[sink] / 1000))
  await sample(deps, slice.processes)
  return report
}

interface Run {
  deps: ReconcileDeps
  deadline: number
  failures: number
  report: ReconcileReport
}

/** Does what is due in a process, and marks it anew; undefined where nothing is left. Does not throw. */
async function look(run: Run, marker: Marker): Promise<Marker | undefined> {
  const { deps, report } = run
  const { store, clock, log } = deps
  const { process } = marker
  try {
    const progress = await store.progress(process)
    const behind: Marker['behind'] = {}
    if (progress) {
      for (const sink of behindIn(progress, deps.sinks)) behind[sink] = await firstTime(deps, progress, sink)
    }
    if (Object.keys(behind).length > 0) {
      await store.wake(process)
      report.woken++
    }
    const left: Owed[] = []
    for await (const part of store.owed(process)) {
      const rest = await retry(run, part)
      if (rest) left.push(rest)
    }
    const attempts = left.flatMap(({ next }) => next ?? [])
    const next: Marker = {
      process,
      at: Math.min(clock.now() + (Object.keys(behind).length > 0 ? LOOK_AGAIN_MS : COUNT_AGAIN_MS), ...attempts),
      owed: attempts.length,
      deadLetters: left.length - attempts.length,
      behind,
    }
    const nothing = left.length === 0 && Object.keys(behind).length === 0
    await store.remark(process, marker.at, nothing ? undefined : next)
    return nothing ? undefined : next
  } catch (error) {
    log.warn({ process, err: error }, 'A process could not be reconciled; the next run tries again.')
    return marker
  }
}

async function firstTime({ records }: ReconcileDeps, progress: Progress, sink: Sink): Promise<number> {
  const { from } = reachOf(sink, progress, progress.done[sink])
  // A record that cannot be read: its process has been behind since its last record at least.
  const keys = await records.timeKeys(progress.process, [from]).catch(() => [])
  return keys[0] ?? progress.timestamp
}

/** What is still owed after an attempt, if it was due. */
async function retry(run: Run, part: Owed): Promise<Owed | undefined> {
  const { deps, report } = run
  const now = deps.clock.now()
  const isDue = part.next !== undefined && part.next <= now && deps.sinks.includes(part.sink)
  if (!isDue || now >= run.deadline || run.failures >= FAILURES) return part
  const outcome = await attemptPart(deps, part, run.deadline)
  if (outcome.kind === 'done') {
    await deps.store.settle(part)
    report.settled++
    return undefined
  }
  if (outcome.kind === 'paused') return part
  run.failures++
  const tries = part.tries + 1
  const { next, ...refused } = part
  if (outcome.refused && tries >= TRIES) {
    await keepDeadLetter(deps, part, { reason: outcome.reason, since: part.since, tries })
    return { ...refused, reason: outcome.reason, tries }
  }
  const rest = { ...part, reason: outcome.reason, tries, next: nextAttempt(now, tries) }
  await deps.store.owe([rest])
  return rest
}

/** Now and then: whether a gateway has something that a bundler took more than a day ago. Does not throw. */
async function sample({ records, isPublished, clock, meter, log }: ReconcileDeps, processes: readonly Progress[]) {
  const process = processes[Math.floor(clock.random() * processes.length)]
  const done = process?.done.upload
  if (!isPublished || !process || done === undefined || clock.random() * RUNS_A_SAMPLE >= 1) return
  const nonce = process.firstNonce + Math.floor(clock.random() * (done - process.firstNonce))
  try {
    const [record] = await records.records(process.process, nonce, nonce)
    const id = record?.item?.id
    if (!record || id === undefined || record.timeKey + PUBLISHED_MS > clock.now()) return
    meter.count('uploads_sampled')
    if (await isPublished(id)) return
    meter.count('uploads_missing')
    log.warn({ process: process.process, nonce, id }, 'No gateway has this item, which the bundler took a day ago.')
  } catch (err) {
    log.warn({ process: process.process, nonce, err }, 'The gateway could not be asked for a sample.')
  }
}
