/** Owed parts, one by one: listed, attempted, sent again or skipped by an operator. */
import type { Owed, RelayStore } from '../ports/relay-store.ts'
import { blockOf } from '../ports/segment-store.ts'
import { readWhole, reasonOf } from './batch.ts'
import type { RelayDeps } from './deps.ts'
import { indexRecords } from './metadata.ts'
import { createNaps } from './pace.ts'
import { partsOf } from './parts.ts'
import { packBlock } from './segments.ts'
import { nextAttempt } from './sink.ts'

export type Attempt =
  | { kind: 'done' }
  /** Nothing was tried: the service behind it is left alone for now. */
  | { kind: 'paused'; reason: string }
  /** `refused`: the bundler's answer is about the part itself. */
  | { kind: 'failed'; reason: string; refused: boolean }

/** What all processes owe, or one of them, dead letters too. */
export async function* listOwed(store: Pick<RelayStore, 'owed' | 'markers'>, process?: string): AsyncGenerator<Owed> {
  if (process !== undefined) yield* store.owed(process)
  else for await (const marker of store.markers()) yield* store.owed(marker.process)
}

/** One attempt at a part, begun before the deadline (ms). Does not throw, and keeps nothing. */
export async function attemptPart(deps: RelayDeps, part: Owed, deadline: number): Promise<Attempt> {
  const { process, nonce } = part
  const failed = (reason: string, refused = false): Attempt => ({ kind: 'failed', reason, refused })
  try {
    if (part.sink === 'segments') {
      const progress = await deps.store.progress(process)
      if (!progress) return failed('The log does not have the process.')
      const packed = await packBlock({ deps, progress, deadline }, blockOf(nonce))
      return packed ? { kind: 'done' } : { kind: 'paused', reason: 'Packing pauses after failures.' }
    }
    const [record] = await deps.records.records(process, nonce, nonce)
    if (record?.nonce !== nonce) return failed('The log does not have the record.')
    // An assignment does not need its item's bytes.
    const whole = part.part === 'assignment' ? record : await readWhole(deps, record)
    if (part.sink === 'metadata') {
      const trouble = await indexRecords(deps, [whole], createNaps(deps.clock, 0))
      return trouble === undefined ? { kind: 'done' } : failed(trouble)
    }
    for (const { part: name, id, raw } of partsOf(whole)) {
      if (part.part !== 'record' && part.part !== name) continue
      const outcome = await deps.pace.upload(id, raw, deadline)
      if (outcome.kind === 'paused') return { kind: 'paused', reason: outcome.reason }
      if (outcome.kind === 'late') return { kind: 'paused', reason: 'The deadline came first.' }
      if (outcome.kind !== 'taken') return failed(outcome.reason, outcome.kind === 'refused')
      deps.meter.count('uploads')
    }
    return { kind: 'done' }
  } catch (error) {
    return failed(reasonOf(error))
  }
}

/** The parts with these ids, or all of them. */
export type Selection = ReadonlySet<string> | 'all'

export interface Resent {
  part: Owed
  outcome: Attempt
}

const ATTEMPT_MS = 60_000

/**
 * Attempts parts now, due or not, dead letters too, one after the other as the caller asks for the next. What is done is owed no
 * longer; what fails stays, with the new reason. Fails with `unavailable`.
 */
export async function* resend(deps: RelayDeps, which: Selection): AsyncGenerator<Resent> {
  const { store, clock } = deps
  for await (const part of selected(store, which)) {
    const outcome = await attemptPart(deps, part, clock.now() + ATTEMPT_MS)
    if (outcome.kind === 'done') await store.settle(part)
    else if (outcome.kind === 'failed') {
      const tries = part.tries + 1
      const next = part.next === undefined ? {} : { next: nextAttempt(clock.now(), tries) }
      await store.owe([{ ...part, reason: outcome.reason, tries, ...next }])
    }
    yield { part, outcome }
  }
}

/** Gives parts up, as the caller asks for the next: they are never uploaded, indexed or packed. Fails with `unavailable`. */
export async function* skip(store: RelayStore, which: Selection): AsyncGenerator<Owed> {
  for await (const part of selected(store, which)) {
    await store.settle(part)
    yield part
  }
}

async function* selected(store: RelayStore, which: Selection): AsyncGenerator<Owed> {
  for await (const part of listOwed(store)) if (which === 'all' || which.has(part.id)) yield part
}
