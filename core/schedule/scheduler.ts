/** What posting and assigning need: the parts of the scheduler, and which rules are on. */

import type { Sequencer } from '../log/sequencer.ts'
import type { BlobStore } from '../ports/blob-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Gateway } from '../ports/gateway.ts'
import type { AccessLists } from '../ports/lists.ts'
import type { LogStore } from '../ports/log-store.ts'
import type { OwnPlacement } from '../ports/own-placement.ts'
import type { IdentityGuard } from './identity-guard.ts'
import type { NetworkHeight } from './network-height.ts'
import type { SizeRule } from './rules.ts'

export interface SchedulingRules {
  /** Signature types that are taken. */
  signatureTypes: readonly number[]
  /** ENABLE_PROCESS_ASSIGNMENT */
  processAssignment: boolean
  /** ENABLE_DEEP_HASH_CHECKS */
  deepHashChecks: boolean
  /** RETRY_WINDOW, ms; 0: what comes again is refused at once. */
  retryWindowMs: number
  /** ENABLE_MESSAGE_MAX_SIZE */
  size?: SizeRule
  /** Items up to this length ride in the log's record, longer ones go to the blob store, bytes. */
  inlineBytes: number
}

export interface Scheduler {
  sequencer: Sequencer
  store: LogStore
  blobs: BlobStore
  gateway: Gateway
  lists: AccessLists
  height: NetworkHeight
  identity: IdentityGuard
  placement: OwnPlacement
  clock: Clock
  rules: SchedulingRules
}

/** The answer to a post: `id` of the item or the new assignment, and a time (contract, "Routes"). */
export interface Receipt {
  id: string
  /** Now, ms; for a retry the assignment's own timestamp. */
  timestamp: number
}
