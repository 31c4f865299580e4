/** What the relay needs from outside, given once for each instance. */
import type { Cache } from '../ports/bundler.ts'
import type { Clock } from '../ports/clock.ts'
import type { MetadataIndex } from '../ports/metadata-index.ts'
import type { Meter } from '../ports/meter.ts'
import type { RelayStore, Sink } from '../ports/relay-store.ts'
import type { SegmentBuilder } from '../segments/builder.ts'
import type { ReadingDeps } from './batch.ts'
import type { Pace } from './pace.ts'

/** Where the relay says what an operator should know. Fits a pino logger. */
export interface RelayLog {
  warn(details: object, message: string): void
}

export interface UploadDeps {
  /** The bundler, paced: one for all that an instance does. */
  pace: Pace
  /** None: nothing is offered. */
  cache?: Cache | undefined
  /** Where owed parts are kept. */
  store: RelayStore
  meter: Meter
  clock: Clock
  log: RelayLog
}

export interface RelayDeps extends UploadDeps, ReadingDeps {
  index: MetadataIndex
  segments: SegmentBuilder
  /** What this relay does; a unit without Postgres does not do `metadata`. Two relays may share the work, one sink each. */
  sinks: readonly Sink[]
}
