/** What the routes are made of; put together in `functions/wiring/su.ts`, or by a test. */
import type { Logger } from 'pino'
import type { LocationStore } from '../../core/ports/location-store.ts'
import type { ReadDeps } from '../../core/read/deps.ts'
import type { Scheduler } from '../../core/schedule/scheduler.ts'
import type { CallerSecrets } from './caller.ts'
import type { OperationParts } from './operation-routes.ts'

export interface AppParts extends OperationParts, CallerSecrets {
  scheduler: Scheduler
  reading: ReadDeps
  /** The wallet's address, which is the scheduler's name. */
  address: string
  location: Pick<LocationStore, 'published'>
  /** AO_CORE_ROUTES: whether AO-Core paths are served. */
  aoCore: boolean
  /** HYPERBEAM_URL: the node that computes and pushes; none where such paths are not served. */
  hyperbeamUrl?: string | undefined
  /** MAX_WAITING: requests of an instance that may wait for new records. */
  maxWaiting: number
  logger: Logger
  /** MAX_BODY_BYTES */
  maxBodyBytes: number
  /** Called when an answer has been sent. */
  afterAnswer(): Promise<void>
}
