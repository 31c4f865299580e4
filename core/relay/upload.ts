/**
 * The sink `upload`: item and assignment of each record to the bundler, until it takes them (contract, "Upload"). Records are
 * under way side by side. One whose trouble is its own becomes owed; where nothing is taken, the watermark waits.
 */
import type { Owed } from '../ports/relay-store.ts'
import type { BatchEntry } from './batch.ts'
import type { UploadDeps } from './deps.ts'
import { type Naps, napBefore } from './pace.ts'
import { partsOf, type UploadPart } from './parts.ts'
import { isOld, isPassed, owedPart, type SinkOutcome, type Turn } from './sink.ts'

/** What became of a part. */
export type PartOutcome =
  | { kind: 'taken' }
  /** The bundler refuses it for good. */
  | { kind: 'dead-letter'; reason: string }
  | PartTrouble

export interface PartTrouble {
  kind: 'trouble'
  reason: string
  /** Attempts that were made. */
  tries: number
  /** When the first of them failed, ms. */
  since: number
  /** The bundler said nothing about the item itself. */
  away: boolean
  /** The deadline came; nothing is wrong. */
  late?: boolean
}

/** Records under way at once; the bundler's pace decides how many requests are. */
const RECORDS_AT_ONCE = 128
/** Unless it is one record, no more bytes are under way for a process. */
const MAX_BYTES = 8_000_000
/** A part is tried so often in a turn, and refused so often before that is believed. */
export const TRIES = 3

interface Troubled extends PartTrouble {
  part: Owed['part']
  id?: string
  /** It cannot be read, so waiting for the bundler will not help. */
  passed?: boolean
}

export async function uploadFrom(turn: Turn, from: number, next: number): Promise<SinkOutcome> {
  const { deps } = turn
  let underWay = 0
  let completion = Promise.withResolvers<void>()
  const outcomes = new Map<number, Troubled[]>()
  let bytes = 0
  let done = from

  const start = (entry: BatchEntry): void => {
    const size = entry.record && 'rawItem' in entry.record ? (entry.record.rawItem?.length ?? 0) : 0
    bytes += size
    underWay++
    // Does not reject.
    void uploadEntry(turn, entry).then((troubled) => {
      outcomes.set(entry.nonce, troubled)
      underWay--
      bytes -= size
      completion.resolve()
    })
  }
  const someCompleted = async (): Promise<void> => {
    await completion.promise
    completion = Promise.withResolvers()
  }
  // An answer about the item shows as much as several failures, where something else is taken meanwhile.
  const isOwn = (nonce: number, { tries, since, away, passed, late }: Troubled): boolean =>
    passed === true ||
    (!late && (tries >= TRIES || !away) && deps.pace.lastTaken() >= since) ||
    (!away && isOld(turn, 'upload', nonce))
  const isStuck = () =>
    [...outcomes].some(([nonce, troubled]) => troubled.some((trouble) => !isOwn(nonce, trouble))) ||
    deps.clock.now() >= turn.deadline
  /** The watermark over all that is taken or can be owed. */
  const settle = async (): Promise<void> => {
    for (let troubled = outcomes.get(done); troubled; troubled = outcomes.get(done)) {
      const nonce = done
      if (!troubled.every((trouble) => isOwn(nonce, trouble))) break
      if (troubled.length > 0) await owe(turn, nonce, troubled)
      outcomes.delete(nonce)
      done++
    }
    if (done > from) await turn.moveTo('upload', done)
  }

  for (let position = from; position < next && !isStuck(); ) {
    const batch = await turn.read(position, next)
    for (const entry of batch.entries) {
      while (underWay >= RECORDS_AT_ONCE || (underWay > 0 && bytes > MAX_BYTES)) await someCompleted()
      if (isStuck()) break
      start(entry)
    }
    await settle()
    position = batch.next
  }
  while (underWay > 0) {
    await someCompleted()
    await settle()
  }
  await settle()
  const [trouble] = outcomes.get(done) ?? []
  return trouble && !trouble.late ? { trouble: { nonce: done, reason: trouble.reason } } : {}
}

/** The parts of a record that met with trouble. Does not throw. */
async function uploadEntry(turn: Turn, entry: BatchEntry): Promise<Troubled[]> {
  const { deps } = turn
  const { nonce, unread, record } = entry
  const troubled: Troubled[] = []
  if (unread) {
    const passed = isPassed(turn, 'upload', nonce, unread)
    const place = record ? ({ part: 'item', id: record.item?.id ?? record.id } as const) : ({ part: 'record' } as const)
    const { reason } = unread
    troubled.push({ kind: 'trouble', reason, tries: 0, since: deps.clock.now(), away: true, passed, ...place })
  }
  if (!record) return troubled
  // Without its item's bytes a record has its assignment alone.
  const parts = partsOf(record)
  await Promise.all(
    parts.map(async (part) => {
      turn.offers.offer(part)
      const outcome = await uploadPart(deps, part, turn)
      if (outcome.kind === 'trouble') troubled.push({ ...outcome, part: part.part, id: part.id })
    }),
  )
  return troubled
}

async function owe(turn: Turn, nonce: number, troubled: readonly Troubled[]): Promise<void> {
  const { store, meter, log } = turn.deps
  const parts = troubled.map(({ part, id, reason, tries }) =>
    owedPart(turn, { sink: 'upload', nonce, part, id, reason }, tries),
  )
  await store.owe(parts)
  meter.count('parts_owed', parts.length)
  for (const part of parts) log.warn({ ...part }, 'The upload of this part is owed: it is tried again by itself.')
}

/**
 * Hands one part over, or makes it a dead letter where it is refused for good. Does not throw: a dead letter that cannot be kept
 * is trouble like any other.
 */
export async function uploadPart(
  deps: UploadDeps,
  { raw, ...place }: UploadPart,
  { naps, deadline }: { naps: Naps; deadline: number },
): Promise<PartOutcome> {
  const { pace, meter, clock } = deps
  let refusals = 0
  let tries = 0
  let since: number | undefined
  const trouble = (reason: string, away: boolean, late = false): PartTrouble => ({
    kind: 'trouble',
    reason,
    tries,
    since: since ?? clock.now(),
    away,
    late,
  })
  try {
    for (;;) {
      const outcome = await pace.upload(place.id, raw, deadline)
      if (outcome.kind === 'late') return trouble('The deadline came first.', true, tries === 0)
      if (outcome.kind === 'taken') {
        meter.count('uploads')
        return outcome
      }
      since ??= clock.now()
      const { kind, reason } = outcome
      if (kind === 'paused') {
        const wait = outcome.until - clock.now()
        if (clock.now() + wait >= deadline || !(await naps.nap(wait))) return trouble(reason, true)
        continue
      }
      tries++
      const away = kind === 'trouble' && outcome.away === true
      if (kind === 'refused' && ++refusals === TRIES) return await keepDeadLetter(deps, place, { reason, since, tries })
      if (tries - refusals === TRIES || clock.now() >= deadline) return trouble(reason, away)
      if (!(await napBefore(naps, clock, tries))) return trouble(reason, away)
    }
  } catch (error) {
    return trouble(error instanceof Error ? error.message : String(error), true)
  }
}

/** Keeps a part that the bundler refuses for good; only an operator can resend it. */
export async function keepDeadLetter(
  { store, meter, log }: UploadDeps,
  { process, nonce, part, id }: Pick<Owed, 'process' | 'nonce' | 'part' | 'id'>,
  refusal: Pick<Owed, 'reason' | 'since' | 'tries'>,
): Promise<PartOutcome> {
  const letter: Owed = { process, sink: 'upload', nonce, part, id, ...refusal }
  await store.owe([letter])
  meter.count('uploads_refused')
  log.warn({ ...letter }, 'The bundler refuses this for good: it is a dead letter.')
  return { kind: 'dead-letter', reason: refusal.reason }
}
