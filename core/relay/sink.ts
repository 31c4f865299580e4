/** What a sink of the relay gets to know about its turn, and what it answers. */
import { type Owed, type Progress, type Sink, sinks } from '../ports/relay-store.ts'
import { BLOCK_RECORDS } from '../ports/segment-store.ts'
import type { BatchReader, Unread } from './batch.ts'
import type { CacheOffers } from './cache-offers.ts'
import type { RelayDeps } from './deps.ts'
import type { Naps } from './pace.ts'

export interface Turn {
  deps: RelayDeps
  /** As it was when the turn began. */
  progress: Progress
  /** ms. What is begun before it may take its own time limit beyond it. */
  deadline: number
  naps: Naps
  offers: CacheOffers
  read: BatchReader
  /** Everything of this sink below `to` is done or owed. */
  moveTo(sink: Sink, to: number): Promise<void>
}

/** Where a sink stopped, and why; `trouble` is absent where the deadline came, or all is done. */
export interface SinkOutcome {
  trouble?: { nonce: number; reason: string }
}

/** Trouble that a nonce has had for so long is its own, unless the service behind it is away, ms. */
const OWN_TROUBLE_MS = 600_000
const FIRST_DELAY_MS = 60_000
const MAX_DELAY_MS = 86_400_000

export const isOld = ({ deps, progress }: Turn, sink: Sink, nonce: number): boolean => {
  const trouble = progress.trouble[sink]
  return trouble?.nonce === nonce && trouble.since + OWN_TROUBLE_MS <= deps.clock.now()
}

/** Whether a record that cannot be read is passed as owed, instead of waiting for what it is read from. */
export const isPassed = (turn: Turn, sink: Sink, nonce: number, unread: Unread): boolean =>
  unread.lost || isOld(turn, sink, nonce)

/** When an owed part is tried next, ms: after one minute, then twice as long each time, up to a day. */
export const nextAttempt = (now: number, tries: number): number =>
  now + Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(30, Math.max(0, tries - 1)))

/** A part becomes owed, after so many attempts. */
export function owedPart(
  { deps, progress: { process, trouble } }: Pick<Turn, 'deps' | 'progress'>,
  part: Pick<Owed, 'sink' | 'nonce' | 'part' | 'reason'> & { id?: string | undefined },
  tries: number,
): Owed {
  const now = deps.clock.now()
  const known = trouble[part.sink]
  const since = known?.nonce === part.nonce ? known.since : now
  return { process, ...part, id: part.id ?? `${process}/${part.nonce}`, since, tries, next: nextAttempt(now, tries) }
}

/** From where to where a sink has work in a process. */
export interface Reach {
  /** The first nonce that is not done. */
  from: number
  /** The nonce after the last one that can be done now; nothing is left where it is `from`, or below. */
  next: number
}

/** @param done the sink's watermark; undefined: there is none yet */
export function reachOf(
  sink: Sink,
  { firstNonce, next }: Pick<Progress, 'firstNonce' | 'next'>,
  done: number | undefined,
): Reach {
  if (sink !== 'segments') return { from: done ?? firstNonce, next }
  // Whole blocks, and they begin at nonce 0.
  return { from: done ?? 0, next: Math.floor(next / BLOCK_RECORDS) * BLOCK_RECORDS }
}

/** Those of these sinks that have work in a process. */
export const behindIn = (progress: Progress, which: readonly Sink[] = sinks): Sink[] =>
  which.filter((sink) => {
    const { from, next } = reachOf(sink, progress, progress.done[sink])
    return from < next
  })
