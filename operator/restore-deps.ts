/** What a restore works with, from the environment that a unit's stack gives its functions. */
import { ownerAddress } from '../core/ans104/data-item.ts'
import { createSigner } from '../core/ans104/signer.ts'
import { refusal } from '../core/placement/move-stores.ts'
import { systemClock as clock } from '../core/ports/clock.ts'
import type { RestoreDeps } from '../core/restore/deps.ts'
import { INLINE_BYTES } from '../core/schedule/store-item.ts'
import { createDynamoDbClient } from '../db/dynamodb/client.ts'
import { createIdentityStore } from '../db/dynamodb/identity-store.ts'
import { createLogFence } from '../db/dynamodb/log-fence.ts'
import { createLogImport } from '../db/dynamodb/log-import.ts'
import { createLogRestore } from '../db/dynamodb/log-restore.ts'
import { createLogStore } from '../db/dynamodb/log-store.ts'
import { createRelayStore } from '../db/dynamodb/relay-store.ts'
import { createSegmentIndexes } from '../db/dynamodb/segment-indexes.ts'
import { createDatabase } from '../db/postgres/client.ts'
import { createIndexedNonces } from '../db/postgres/indexed-nonces.ts'
import { createBlobStore } from '../db/s3/blob-store.ts'
import { createBodyInspection } from '../db/s3/body-inspection.ts'
import { createS3 } from '../db/s3/client.ts'
import { createKeptBodies } from '../db/s3/kept-bodies.ts'
import { gateway } from '../functions/config/gateway.ts'
import { type Environment, parseConfig } from '../functions/config/parse.ts'
import { ownPlacement } from '../functions/config/placements.ts'
import { postgresWriting } from '../functions/config/postgres.ts'
import { store } from '../functions/config/store.ts'
import { wallet } from '../functions/config/wallet.ts'
import { openPlacements } from '../functions/wiring/placements.ts'
import { createGateway } from '../network/gateway.ts'
import { createUploadedLog } from '../network/uploaded-log.ts'

/** Fails with ConfigurationError; with `invalid-request` where a unit asks a router, which cannot be asked about all of its log. */
export async function openRestore(env: Environment): Promise<RestoreDeps> {
  const config = parseConfig(env, { store, gateway, postgres: postgresWriting, placement: ownPlacement })
  const { store: names, postgres, placement } = config
  const region = env.AWS_REGION
  const db = {
    client: createDynamoDbClient({ region, endpoint: names.dynamodbEndpoint }),
    tables: { heads: names.headsTable, records: names.recordsTable, ids: names.idsTable },
  }
  const identity = createIdentityStore(db)
  const owner = (await identity.recorded())?.owner ?? ownerOfWallet(env)
  const address = ownerAddress(owner)
  const s3 = createS3(names.s3Endpoint, region)
  const uploaded = createUploadedLog({ ...config.gateway, wallet: address })
  return {
    identity,
    wallet: { wallet: address, owner },
    log: createLogStore(db, owner),
    restore: createLogRestore(db, owner),
    imports: createLogImport(db, owner),
    fence: createLogFence(db),
    relay: createRelayStore(db),
    segments: createSegmentIndexes(db),
    blobs: createBlobStore(s3, names.bucket),
    kept: createBodyInspection(s3, names.bucket),
    signed: [uploaded],
    // What is kept is nearer, and cannot be slow to appear.
    bodies: [createKeptBodies(s3, names.bucket), uploaded],
    uploads: uploaded,
    metadata:
      postgres.url &&
      createIndexedNonces(
        createDatabase({
          url: postgres.url.reveal(),
          connections: postgres.writeConcurrency,
          ...(postgres.proxyUrl && { proxyUrl: postgres.proxyUrl }),
        }),
      ),
    gateway: createGateway(config.gateway),
    clock,
    units: unitsOf(placement),
    inlineBytes: INLINE_BYTES,
  }
}

function unitsOf(placement: ReturnType<typeof parsePlacement>): RestoreDeps['units'] {
  if (!placement) return undefined
  if (placement.kind === 'table') return { ownUrl: placement.ownUrl, placements: openPlacements(placement) }
  throw refusal(
    'Which of its processes this unit still has is known by the table of placements: set PLACEMENTS_TABLE, or take ENABLE_ROUTER_CHECK away where the unit is alone.',
  )
}

const parsePlacement = (env: Environment) => parseConfig(env, { placement: ownPlacement }).placement

/** Where the row is lost that says whose log it is. */
function ownerOfWallet(env: Environment): Buffer {
  const known = env.SU_WALLET !== undefined || env.SU_WALLET_PATH !== undefined
  if (!known) {
    throw refusal(
      'The table of heads does not say whose log this is: give the wallet to this command, as SU_WALLET or SU_WALLET_PATH.',
    )
  }
  return createSigner(parseConfig(env, { wallet }).wallet.reveal()).owner
}
