/** What the stream of heads sets off: each process that changed is relayed once, several processes at the same time. */
import { LRUCache } from 'lru-cache'
import pMap from 'p-map'
import type { Effect } from '../ports/relay-store.ts'
import type { RelayDeps } from './deps.ts'
import { type ProcessReport, relayProcess } from './relay.ts'

/** Processes under way at once. */
const PROCESSES_AT_ONCE = 8
/** So long the stream is asked to bring a process in trouble again, ms. */
const URGENT_MS = 60_000
const TROUBLED_REMEMBERED = 10_000

/** @param deadline ms since the epoch. Gives the processes that the stream should bring again. */
export type StreamRelay = (processes: Iterable<string>, deadline: number) => Promise<Set<string>>

/**
 * For as long as an instance lives. A stream that waits for one process holds up all behind it, so it is asked to only where
 * that helps somebody soon; for everything else there are the next message and the sweep:
 * - Uploads in trouble come again for a minute: nobody can use a process through a gateway before it is uploaded. Then it is
 *   an outage, or an item that no bundler likes, and each further message of the process costs one attempt.
 * - Metadata in trouble does not, unless this relay does nothing else: an absent Postgres must not hold up an upload.
 * - What was only late wakes itself, and goes on behind the others.
 */
export function createStreamRelay(deps: RelayDeps): StreamRelay {
  const urgent: Effect = deps.effects.includes('upload') ? 'upload' : 'metadata'
  /** Since when, ms. */
  const troubled = new LRUCache<string, number>({ max: TROUBLED_REMEMBERED })

  /** False where the stream should bring it again. */
  async function relay(process: string, deadline: number): Promise<boolean> {
    const now = deps.clock.now()
    const impatient = (troubled.get(process) ?? now) + URGENT_MS <= now
    const report = await relayProcess(deps, process, { deadline, impatient })
    const outcome = report.effects.get(urgent)
    if (outcome?.kind === 'behind' && !outcome.late) {
      if (!troubled.has(process)) troubled.set(process, now)
      return impatient
    }
    if (outcome?.kind !== 'behind') troubled.delete(process)
    // A run that came to nothing before its deadline would do no better when it wakes itself.
    else if (!outcome.moved) return false
    return wakeIfLate(report)
  }

  async function wakeIfLate({ process, effects }: ProcessReport): Promise<boolean> {
    const late = [...effects.values()].some((outcome) => outcome.kind === 'behind' && outcome.late && outcome.moved)
    if (!late) return true
    try {
      await deps.store.wake(process)
      return true
    } catch (error) {
      deps.log.warn({ process, err: error }, 'A process that the relay is not done with could not be woken.')
      return false
    }
  }

  return async (processes, deadline) => {
    const again = new Set<string>()
    await pMap(
      new Set(processes),
      async (process) => {
        if (!(await relay(process, deadline))) again.add(process)
      },
      { concurrency: PROCESSES_AT_ONCE },
    )
    return again
  }
}
