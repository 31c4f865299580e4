/** One effect: item and assignment of each record to the bundler, until it takes them (contract, "Upload"). */
import pMap from 'p-map'
import type { SetAside } from '../ports/relay-store.ts'
import { backOff } from './backoff.ts'
import type { CacheOffers } from './cache-offers.ts'
import type { UploadDeps } from './deps.ts'
import type { EffectOutcome, Patience, StretchRun } from './effect.ts'
import { partsOf, type UploadPart } from './parts.ts'
import type { Stretch, WholeRecord } from './stretch.ts'

/** What became of a part. Settled is what was taken or set aside. */
export type PartOutcome =
  | { kind: 'taken' }
  | { kind: 'set-aside'; reason: string }
  | { kind: 'trouble'; reason: string }

/** Records whose parts are under way at once. */
const RECORDS_AT_ONCE = 16
/** So often the bundler must refuse a part, before that is believed. */
const REFUSALS = 3
/** So often a part is tried in spite of the bundler's trouble. */
const TROUBLES = 5

/**
 * Uploads a stretch. With `probe` its first record goes alone: where the bundler is still in the trouble that an earlier
 * run ended with, nothing behind the troubled record is sent again in vain. So what comes after a record in trouble is sent
 * at most once more than needed, however often that record is tried.
 */
export async function uploadStretch(
  deps: UploadDeps,
  { records, from, next }: Stretch,
  run: StretchRun,
): Promise<EffectOutcome> {
  const settled = new Set<number>()
  let trouble: string | undefined
  const upload = async (record: WholeRecord): Promise<void> => {
    // Where another record met with trouble, or it got late, this one goes next time.
    if (trouble !== undefined || deps.clock.now() >= run.deadline) return
    const failure = await uploadRecord(deps, record, run)
    if (failure === undefined) settled.add(record.nonce)
    else trouble ??= failure
  }
  const ahead = run.probe ? 1 : 0
  await pMap(records.slice(0, ahead), upload)
  await pMap(records.slice(ahead), upload, { concurrency: RECORDS_AT_ONCE })

  let done = from
  while (done < next && settled.has(done)) done++
  return trouble === undefined ? { done } : { done, trouble }
}

/** The trouble that a part of it met with, if any. */
async function uploadRecord(
  deps: UploadDeps,
  record: WholeRecord,
  patience: Patience & { offers: CacheOffers },
): Promise<string | undefined> {
  const outcomes = await Promise.all(
    partsOf(record).map((part) => {
      patience.offers.offer(part)
      return uploadPart(deps, part, patience)
    }),
  )
  return outcomes.find((outcome) => outcome.kind === 'trouble')?.reason
}

/**
 * Hands one part over, or sets it aside where it is refused for good. Does not throw: a set-aside that cannot be noted is
 * trouble like another.
 */
export async function uploadPart(deps: UploadDeps, part: UploadPart, patience: Patience): Promise<PartOutcome> {
  const { raw, ...place } = part
  const { clock } = deps
  const troubles = patience.impatient ? 1 : TROUBLES
  let refusals = 0
  try {
    for (let attempt = 1; ; attempt++) {
      const outcome = await deps.bundler.upload(part.id, raw)
      if (outcome.kind === 'taken') {
        deps.meter.count('uploads')
        return outcome
      }
      const { kind, reason } = outcome
      if (kind === 'refused' && ++refusals === REFUSALS)
        return await setAside(deps, { ...place, reason, at: clock.now() })
      if (kind === 'trouble' && attempt - refusals >= troubles) return { kind: 'trouble', reason }
      const atLeastMs = kind === 'trouble' ? outcome.retryAfterMs : undefined
      if (!(await backOff(clock, attempt, patience.deadline, atLeastMs))) return { kind: 'trouble', reason }
    }
  } catch (error) {
    return { kind: 'trouble', reason: error instanceof Error ? error.message : String(error) }
  }
}

async function setAside({ store, meter, log }: UploadDeps, item: SetAside): Promise<PartOutcome> {
  await store.setAside(item)
  meter.count('uploads_set_aside')
  log.warn({ ...item }, 'The bundler refuses this for good: it is set aside.')
  return { kind: 'set-aside', reason: item.reason }
}
