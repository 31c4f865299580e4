/** What the stream of heads sets off: each process that changed is relayed once, several processes at the same time. */
import { LRUCache } from 'lru-cache'
import pMap from 'p-map'
import type { Effect } from '../ports/relay-store.ts'
import type { RelayDeps } from './deps.ts'
import type { Patience } from './effect.ts'
import { createLeftBehind } from './left-behind.ts'
import { type EffectReport, type ProcessReport, relayProcess } from './relay.ts'

/** Processes under way at once. */
const PROCESSES_AT_ONCE = 8
/** So long the stream is asked to bring a process in trouble again, ms. */
const URGENT_MS = 60_000
const TROUBLED_REMEMBERED = 10_000
/** So long an invocation makes segments, ms: nobody waits for them, and uploads of the next messages wait for its end. */
const PACKING_MS = 5_000

/** @param deadline ms since the epoch. Gives the processes that the stream should bring again. */
export type StreamRelay = (processes: Iterable<string>, deadline: number) => Promise<Set<string>>

/**
 * For as long as an instance lives. A stream that waits for one process holds up all behind it, so it is asked to only where
 * that helps somebody soon:
 * - Uploads in trouble come again for a minute: nobody can use a process through a gateway before it is uploaded. Then it is
 *   an outage, or an item that no bundler likes, and each further message of the process costs one attempt.
 * - Metadata in trouble does not, unless this relay does nothing else: an absent Postgres must not hold up an upload.
 * - What was only late wakes itself, and goes on behind the others.
 * - Segments are never worth its waiting.
 *
 * What the stream is not asked for is woken when the same effect works elsewhere again, by the next message, or by the sweep.
 */
export function createStreamRelay(deps: RelayDeps): StreamRelay {
  const { store, clock, log } = deps
  const urgent: Effect = deps.effects.includes('upload') ? 'upload' : 'metadata'
  /** Since when, ms. */
  const troubled = new LRUCache<string, number>({ max: TROUBLED_REMEMBERED })
  const left = createLeftBehind(clock)

  async function wake(process: string): Promise<boolean> {
    try {
      await store.wake(process)
      return true
    } catch (error) {
      log.warn({ process, err: error }, 'A process that the relay is not done with could not be woken.')
      return false
    }
  }

  async function relay(process: string, patience: Patience): Promise<{ report: ProcessReport; again: boolean }> {
    const now = clock.now()
    const impatient = (troubled.get(process) ?? now) + URGENT_MS <= now
    const report = await relayProcess(deps, process, { ...patience, impatient })
    const outcome = report.effects.get(urgent)
    if (!inTrouble(outcome)) troubled.delete(process)
    else if (!troubled.has(process)) troubled.set(process, now)

    for (const [effect, itsOutcome] of report.effects) {
      const comesAgain = effect === urgent && !impatient
      left.note(effect, process, !comesAgain && (inTrouble(itsOutcome) || isIdle(effect, itsOutcome)))
    }
    if (inTrouble(outcome)) return { report, again: !impatient }
    const late = [...report.effects].filter(([, each]) => each.kind === 'behind' && each.late)
    // A run that came to nothing before its deadline would do no better when it wakes itself.
    if (late.some(([, { moved }]) => moved) && (await wake(process))) return { report, again: false }
    return { report, again: late.some(([effect]) => effect !== 'segments') }
  }

  return async (processes, deadline) => {
    const patience = { deadline, packUntil: Math.min(deadline, clock.now() + PACKING_MS) }
    const results = await pMap(new Set(processes), (process) => relay(process, patience), {
      concurrency: PROCESSES_AT_ONCE,
    })
    const working = deps.effects.filter((effect) => results.some(({ report }) => report.effects.get(effect)?.moved))
    await pMap(left.due(working), wake, { concurrency: PROCESSES_AT_ONCE })
    return new Set(results.filter(({ again }) => again).map(({ report }) => report.process))
  }
}

const inTrouble = (outcome: EffectReport | undefined): boolean => outcome?.kind === 'behind' && !outcome.late

/** Segments that were not even begun: the time for them was up, or they rest after trouble. */
const isIdle = (effect: Effect, outcome: EffectReport): boolean =>
  effect === 'segments' && outcome.kind === 'behind' && !outcome.moved
