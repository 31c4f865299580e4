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
import { createStretchReader, type Stretch, type StretchReader } from './stretch.ts'
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

const perform: Record<Effect, (deps: RelayDeps, stretch: Stretch, run: StretchRun) => Promise<EffectOutcome>> = {
  upload: uploadStretch,
  metadata: indexStretch,
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

async function relayEffect(
  { deps, progress, patience, read, offers }: ProcessRun,
  effect: Effect,
): Promise<EffectReport> {
  const { process, next, firstNonce } = progress
  const begun = progress.done[effect]
  let done = begun
  try {
    for (let probe = true; (done ?? firstNonce) < next; probe = false) {
      if (deps.clock.now() >= patience.deadline) return late(done !== begun)
      const from = done ?? firstNonce
      const outcome = await perform[effect](deps, await read(from, next), { ...patience, probe, offers })
      if (outcome.done > from) {
        // Where it stood elsewhere, another relay is at work: go on from where that one is.
        if (await deps.store.advance(process, effect, done, outcome.done)) done = outcome.done
        else done = (await deps.store.progress(process))?.done[effect]
      }
      if (outcome.trouble !== undefined) return troubled(done !== begun, outcome.trouble)
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
