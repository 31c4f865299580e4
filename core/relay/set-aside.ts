/** What an operator does with uploads that the bundler refused for good: sends them again, one or all. */
import { hasCode } from '../errors.ts'
import type { SetAside } from '../ports/relay-store.ts'
import type { ReadingDeps, UploadDeps } from './deps.ts'
import { partsOf } from './parts.ts'
import { readWhole } from './stretch.ts'
import { type PartOutcome, uploadPart } from './upload.ts'

export interface Resent {
  item: SetAside
  outcome: PartOutcome
}

/**
 * Sends set-asides again, one after the other as the caller asks for the next: those with these ids, or `all`. What is taken is
 * set aside no longer; what is refused again stays, with the new reason.
 * @param attemptMs for each, how long trouble is borne with
 */
export async function* resend(
  deps: UploadDeps & ReadingDeps,
  which: ReadonlySet<string> | 'all',
  attemptMs = 30_000,
): AsyncGenerator<Resent> {
  for await (const item of deps.store.listSetAside()) {
    if (which !== 'all' && !which.has(item.id)) continue
    yield { item, outcome: await resendOne(deps, item, deps.clock.now() + attemptMs) }
  }
}

async function resendOne(deps: UploadDeps & ReadingDeps, item: SetAside, deadline: number): Promise<PartOutcome> {
  try {
    const [record] = await deps.records.records(item.process, item.nonce, item.nonce)
    const whole = record && (await readWhole(deps, record))
    const part = whole && partsOf(whole).find(({ part }) => part === item.part)
    if (part === undefined) return { kind: 'trouble', reason: 'The log does not have it.' }
    const outcome = await uploadPart(deps, part, { deadline })
    if (outcome.kind === 'taken') await deps.store.removeSetAside(item)
    return outcome
  } catch (error) {
    // One record that cannot be read now is no reason to leave the others.
    if (hasCode(error, 'unavailable')) return { kind: 'trouble', reason: error.message }
    throw error
  }
}
