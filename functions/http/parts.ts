/** What the routes are made of; put together in `functions/wiring/su.ts`, or by a test. */
import type { Logger } from 'pino'
import type { ReadDeps } from '../../core/read/deps.ts'
import type { Scheduler } from '../../core/schedule/scheduler.ts'
import type { Secret } from '../config/secret.ts'
import type { InstanceMeter } from './metrics.ts'

export interface AppParts {
  scheduler: Scheduler
  reading: ReadDeps
  /** The wallet's address, which is the scheduler's name. */
  address: string
  logger: Logger
  /** MAX_BODY_BYTES */
  maxBodyBytes: number
  /** CDN_SECRET */
  cdnSecret?: Secret | undefined
  /** For `GET /metrics`; none where metrics are off. */
  metrics?: InstanceMeter | undefined
  /** Whether everything that the unit cannot do without answers; fails with what does not. */
  health(): Promise<void>
  /** Called when an answer has been sent. */
  afterAnswer(): Promise<void>
}
