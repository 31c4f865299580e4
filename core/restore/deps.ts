/** What a restore works with, given once for each command. */
import type { BlobStore } from '../ports/blob-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Gateway } from '../ports/gateway.ts'
import type { LogFence } from '../ports/log-fence.ts'
import type { LogIdentity, LogIdentityStore } from '../ports/log-identity.ts'
import type { LogImport } from '../ports/log-import.ts'
import type { BodyInspection } from '../ports/log-inspection.ts'
import type { LogRestore } from '../ports/log-restore.ts'
import type { LogStore } from '../ports/log-store.ts'
import type { PlacementStore } from '../ports/placement-store.ts'
import type { RelayStore } from '../ports/relay-store.ts'
import type { BodySource, IndexedNonces, SignedSource, UploadIndex } from '../ports/restore-sources.ts'
import type { SegmentIndexes } from '../ports/segment-store.ts'

export interface RestoreDeps {
  identity: Pick<LogIdentityStore, 'actualTables' | 'recorded' | 'takeOver'>
  /** Whose log it is. `tables` is what the log names, nothing where its heads are lost. */
  wallet: Pick<LogIdentity, 'wallet' | 'owner'>
  log: Pick<LogStore, 'head' | 'findItem'>
  restore: LogRestore
  imports: Pick<LogImport, 'add' | 'deepHash'>
  fence: Pick<LogFence, 'freeze'>
  relay: Pick<RelayStore, 'scan' | 'progress' | 'advance'>
  blobs: Pick<BlobStore, 'get' | 'put'>
  /** The same bodies, and which of them are lost. */
  kept: BodyInspection
  /** Where signed assignments are looked for, in this order. */
  signed: readonly SignedSource[]
  /** Where items are looked for, in this order. */
  bodies: readonly BodySource[]
  uploads: UploadIndex
  /** None: there is no index of metadata. */
  metadata: IndexedNonces | undefined
  /** What is packed of a process. */
  segments: Pick<SegmentIndexes, 'get' | 'remove'>
  gateway: Pick<Gateway, 'height' | 'transaction' | 'data'>
  clock: Pick<Clock, 'now'>
  /** Where there are several units: which of them has a process. None: this unit is alone. */
  units: { ownUrl: string; placements: Pick<PlacementStore, 'read'> } | undefined
  /** Items up to this length are kept in their records, bytes. */
  inlineBytes: number
}
