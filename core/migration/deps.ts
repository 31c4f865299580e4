/** What a migration needs from outside. */
import type { BlobStore } from '../ports/blob-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { Gateway } from '../ports/gateway.ts'
import type { LogImport } from '../ports/log-import.ts'
import type { LogStore } from '../ports/log-store.ts'
import type { MigrationSource } from '../ports/migration-source.ts'
import type { PlacementStore } from '../ports/placement-store.ts'
import type { RelayStore } from '../ports/relay-store.ts'

export interface MigrationDeps {
  source: MigrationSource
  log: Pick<LogStore, 'head'>
  imports: LogImport
  blobs: Pick<BlobStore, 'put' | 'get'>
  relay: Pick<RelayStore, 'progress' | 'advance'>
  /** For the deep hashes of assigned transactions. */
  gateway: Pick<Gateway, 'transaction' | 'confirmations' | 'data'>
  /** Where the unit is one of several: it gets what it brings in. `url` is its address as the router has it. */
  placements?: { store: Pick<PlacementStore, 'place' | 'change'>; url: string } | undefined
  clock: Clock
  /** Public key of the log's wallet, 512 bytes. */
  owner: Buffer
}
