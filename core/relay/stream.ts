/** What the stream of heads sets off: each process that changed gets a turn, several processes at the same time. */
import pMap from 'p-map'
import type { RelayDeps } from './deps.ts'
import { createNaps } from './pace.ts'
import { type ProcessReport, relayProcess } from './relay.ts'

/** Processes under way at once. */
const PROCESSES_AT_ONCE = 8
/** A turn of a process, ms. One with more to do goes behind the others. */
const TURN_MS = 10_000

/** @param deadline ms since the epoch. Gives the processes that the stream must bring again. */
export type StreamRelay = (processes: Iterable<string>, deadline: number) => Promise<Set<string>>

/**
 * The stream is for what is new; it is never asked to wait for a process, since everything behind it would wait too. A
 * process that was only late wakes itself, and comes behind the others. A process in trouble is marked for the reconciler.
 * Only where neither can be written down, the stream has to bring the process again.
 */
export function createStreamRelay(deps: RelayDeps): StreamRelay {
  const { store, clock, log } = deps

  async function leave({ process, sinks }: ProcessReport): Promise<boolean> {
    const behind = [...sinks.values()].filter((outcome) => outcome.kind === 'behind')
    if (behind.length === 0) return true
    try {
      // A turn that came to nothing before its deadline would do no better when it wakes itself.
      if (behind.some(({ late, moved }) => late && moved)) await store.wake(process)
      if (behind.some(({ late, moved }) => !late || !moved)) await store.mark(process, clock.now())
      return true
    } catch (error) {
      log.warn({ process, err: error }, 'A process that the relay is not done with could not be marked.')
      return false
    }
  }

  return async (processes, deadline) => {
    const naps = createNaps(clock)
    const again = new Set<string>()
    await pMap(
      new Set(processes),
      async (process) => {
        const report = await relayProcess(deps, process, { deadline: Math.min(deadline, clock.now() + TURN_MS), naps })
        if (!(await leave(report))) again.add(process)
      },
      { concurrency: PROCESSES_AT_ONCE },
    )
    return again
  }
}
