/**
 * Works one process's stretch from the watermark to the head, for each effect by itself: an outage of one never holds up the
 * other. A watermark moves only over what is done, and only from where it was read, so a relay may end anywhere and any
 * number may run at once: at worst something is done twice, and everything that is done is idempotent.
 */
import type { Effect, Progress } from '../ports/relay-store.ts'
import { type CacheOffers, createCacheOffers } from './cache-offers.ts'
import type { RelayDeps } from './deps.ts'
import type { EffectOutcome, Patience, StretchRun } from './effect.ts'
import { indexStretch } from './metadata.ts'
import { reachOf } from './reach.ts'
import { packNextBlock } from './segments.ts'
import { createStretchReader, type StretchReader } from './stretch.ts'
import { uploadStretch } from './upload.ts'

/** `moved`: whether the watermark did, so whether what the effect needs is there. */
export type EffectReport =
  | { kind: 'done'; moved: boolean }
  /** `late`: the deadline came, nothing is wrong. */
  | { kind: 'behind'; moved: boolean; late: boolean; reason: string }

export interface ProcessReport {
  process: string
  /** For each effect that this relay does. */
  effects: Map<Effect, EffectReport>
}

/** Does what comes next from `from` on, below `next`. */
type Perform = (work: ProcessRun, from: number, next: number, run: StretchRun) => Promise<EffectOutcome>

const perform: Record<Effect, Perform> = {
  upload: async ({ deps, read }, from, next, run) => uploadStretch(deps, await read(from, next), run),
  metadata: async ({ deps, read }, from, next, run) => indexStretch(deps, await read(from, next), run),
  segments: ({ deps, progress }, from, _, run) => packNextBlock(deps, progress, from, run),
}

const LATE = 'The deadline came first.'

/** Does not throw: what goes wrong is in the report, and in the log where it is more than lateness. */
export async function relayProcess(deps: RelayDeps, process: string, patience: Patience): Promise<ProcessReport> {
  const { store, clock, meter, log } = deps
  const report: ProcessReport = { process, effects: new Map() }
  const settle = (effect: Effect, outcome: EffectReport): void => {
    report.effects.set(effect, outcome)
    if (outcome.kind === 'done' || outcome.late) return
    meter.count('relay_failures')
    log.warn({ process, effect, reason: outcome.reason }, 'The relay is behind.')
  }
  const settleAll = (outcome: EffectReport): ProcessReport => {
    for (const effect of deps.effects) settle(effect, outcome)
    return report
  }

  if (clock.now() >= patience.deadline) return settleAll(late(false))
  let progress: Progress | undefined
  try {
    progress = await store.progress(process)
  } catch (error) {
    return settleAll(troubled(false, error))
  }
  // A process that the log does not have has nothing to be relayed.
  if (progress === undefined) return settleAll({ kind: 'done', moved: false })
  const run = { deps, progress, patience, read: createStretchReader(deps, process), offers: createCacheOffers(deps) }
  await Promise.all(deps.effects.map(async (effect) => settle(effect, await relayEffect(run, effect))))
  await run.offers.settle(patience.deadline)
  return report
}

interface ProcessRun {
  deps: RelayDeps
  progress: Progress
  patience: Patience
  read: StretchReader
  offers: CacheOffers
}

async function relayEffect(work: ProcessRun, effect: Effect): Promise<EffectReport> {
  const { deps, progress, patience, offers } = work
  const { process } = progress
  const deadline = effect === 'segments' ? (patience.packUntil ?? patience.deadline) : patience.deadline
  const begun = progress.done[effect]
  let done = begun
  try {
    for (let probe = true; ; probe = false) {
      const { from, next } = reachOf(effect, progress, done)
      if (from >= next) break
      if (deps.clock.now() >= deadline) return late(done !== begun)
      const outcome = await perform[effect](work, from, next, { ...patience, probe, offers })
      if (outcome.done > from) {
        // Where it stood elsewhere, another relay is at work: go on from where that one is.
        if (await deps.store.advance(process, effect, done, outcome.done)) done = outcome.done
        else done = (await deps.store.progress(process))?.done[effect]
      }
      if (outcome.trouble !== undefined) return troubled(done !== begun, outcome.trouble)
      if (outcome.later) return late(done !== begun)
    }
    return { kind: 'done', moved: done !== begun }
  } catch (error) {
    return troubled(done !== begun, error)
  }
}

const late = (moved: boolean): EffectReport => ({ kind: 'behind', late: true, moved, reason: LATE })

const troubled = (moved: boolean, reason: unknown): EffectReport => ({
  kind: 'behind',
  late: false,
  moved,
  reason: reason instanceof Error ? reason.message : String(reason),
})
