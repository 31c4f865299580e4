/** What the router's routes are made of; put together in `functions/wiring/router.ts`, or by a test. */
import type { Logger } from 'pino'
import type { Placements } from '../../core/placement/placements.ts'
import type { Clock } from '../../core/ports/clock.ts'
import type { AccessLists } from '../../core/ports/lists.ts'
import type { Meter } from '../../core/ports/meter.ts'
import type { Secret } from '../config/secret.ts'
import type { OperationParts } from './operation-routes.ts'

export interface RouterParts extends OperationParts {
  placements: Pick<Placements, 'place' | 'unitOf'>
  lists: AccessLists
  /** Signature types that are taken. */
  signatureTypes: readonly number[]
  passOn: {
    /** All that would be redirected is passed on; assignments always are. */
    everything: boolean
    /** ROUTER_SECRET, one or two. */
    secrets?: Secret<readonly string[]> | undefined
  }
  /** AO_CORE_ROUTES and HYPERBEAM_URL, as at a unit. */
  aoCore: boolean
  hyperbeamUrl?: string | undefined
  clock: Clock
  meter: Meter
  logger: Logger
  /** MAX_BODY_BYTES */
  maxBodyBytes: number
  /** CDN_SECRET, one or two. */
  cdnSecrets?: Secret<readonly string[]> | undefined
  /** Called when an answer has been sent. */
  afterAnswer(): Promise<void>
}
