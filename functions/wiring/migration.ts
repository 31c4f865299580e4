/** The migration of messages into this unit, from configuration: for the one-off invocation, and for an operator's command. */
import { SchedulerError } from '../../core/errors.ts'
import type { MigrationDeps } from '../../core/migration/deps.ts'
import { migrate } from '../../core/migration/migrate.ts'
import { soundIdentity } from '../../core/placement/move-stores.ts'
import { systemClock as clock } from '../../core/ports/clock.ts'
import { createIdentityStore } from '../../db/dynamodb/identity-store.ts'
import { createLogImport } from '../../db/dynamodb/log-import.ts'
import { createLogStore } from '../../db/dynamodb/log-store.ts'
import { createRelayStore } from '../../db/dynamodb/relay-store.ts'
import { openRustLog } from '../../db/rust/log-source.ts'
import { createGateway } from '../../network/gateway.ts'
import { databasesOf } from '../../network/tenants.ts'
import type { MigConfig } from '../config/functions.ts'
import type { MessagesParts } from '../mig/messages.ts'
import { openBucket } from './blobs.ts'
import { openLog } from './log.ts'
import { openPlacements } from './placements.ts'

export const createMessagesParts = (config: MigConfig): MessagesParts => ({
  sources: {
    url: config.migration.url,
    base: config.migration.base,
    async databasesOf(unit) {
      const { processListUrl: url } = config.migration
      if (url !== undefined) return await databasesOf(unit, { url })
      throw new SchedulerError(
        'invalid-request',
        'Which databases a unit has is in the allow-list: set PROCESS_WHITELIST_URL, or name the databases.',
      )
    },
  },
  batchSize: config.migration.batchSize,
  openSource: (address, batchRows) => openRustLog({ address, batchRows }),
  openTarget: () => openTarget(config),
  migrate,
  clock,
})

/** This unit's side. Fails with `invalid-request` where its log was never begun, or came back from a backup. */
export async function openTarget({ store, gateway, placement }: MigConfig): Promise<Omit<MigrationDeps, 'source'>> {
  const db = openLog(store)
  const url = placement?.ownUrl ?? 'this unit'
  const { owner } = await soundIdentity({ url, identity: createIdentityStore(db) })
  return {
    log: createLogStore(db, owner),
    imports: createLogImport(db, owner),
    blobs: openBucket(store).blobs,
    relay: createRelayStore(db),
    gateway: createGateway(gateway),
    ...(placement?.kind === 'table' && { placements: { store: openPlacements(placement), url: placement.ownUrl } }),
    clock,
    owner,
  }
}
