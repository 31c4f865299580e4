/** Finds what the stream dropped: every process whose watermarks are behind its head is woken. Memory stays flat. */
import { pMapIterable } from 'p-map'
import type { Meter } from '../ports/meter.ts'
import type { Effect, Progress, RelayStore } from '../ports/relay-store.ts'
import type { RelayLog } from './deps.ts'
import { reachOf } from './reach.ts'

export interface SweepDeps {
  store: Pick<RelayStore, 'scan' | 'wake'>
  /** What is to be done at all: without Postgres no `metadata`. */
  effects: readonly Effect[]
  meter: Meter
  log: RelayLog
}

export interface SweepReport {
  processes: number
  /** Processes with something unfinished, all of which were woken but those in `failed`. */
  behind: number
  failed: number
  /** Records that are not done, for each effect. */
  backlog: Record<Effect, number>
}

/** Processes woken at the same time. */
const WAKES_AT_ONCE = 16

/** Fails with `unavailable` when the scan breaks off: what was found until then has been woken. */
export async function sweep({ store, effects, meter, log }: SweepDeps): Promise<SweepReport> {
  const report: SweepReport = { processes: 0, behind: 0, failed: 0, backlog: { metadata: 0, upload: 0, segments: 0 } }
  const wake = async ({ process }: Progress): Promise<void> => {
    try {
      await store.wake(process)
    } catch (error) {
      report.failed++
      log.warn({ process, err: error }, 'A process that is behind could not be woken.')
    }
  }
  async function* behind(): AsyncGenerator<Progress> {
    for await (const progress of store.scan()) {
      report.processes++
      const missing = effects.map((effect) => [effect, missingOf(progress, effect)] as const)
      if (missing.every(([, count]) => count === 0)) continue
      report.behind++
      for (const [effect, count] of missing) report.backlog[effect] += count
      yield progress
    }
  }
  try {
    for await (const _ of pMapIterable(behind(), wake, { concurrency: WAKES_AT_ONCE, backpressure: WAKES_AT_ONCE }));
  } finally {
    // Also 0: a metric that ends and one that is well must not look the same.
    const { metadata, upload, segments } = report.backlog
    meter.count('relay_backlog', metadata + upload + segments)
  }
  return report
}

function missingOf(progress: Progress, effect: Effect): number {
  const { from, next } = reachOf(effect, progress, progress.done[effect])
  return Math.max(0, next - from)
}
