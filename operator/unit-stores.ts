/** A unit's stores, and what it asks, from the environment that its stack gives its functions. */
import * as v from 'valibot'
import { createSigner } from '../core/ans104/signer.ts'
import { refusal, type UnitStores } from '../core/placement/move-stores.ts'
import type { Gateway } from '../core/ports/gateway.ts'
import type { PlacementStore } from '../core/ports/placement-store.ts'
import { createDynamoDbClient } from '../db/dynamodb/client.ts'
import { createIdentityStore } from '../db/dynamodb/identity-store.ts'
import { createLocationStore } from '../db/dynamodb/location-store.ts'
import { createLogFence } from '../db/dynamodb/log-fence.ts'
import { createLogImport } from '../db/dynamodb/log-import.ts'
import { createLogInspection } from '../db/dynamodb/log-inspection.ts'
import { createLogStore } from '../db/dynamodb/log-store.ts'
import { createRelayStore } from '../db/dynamodb/relay-store.ts'
import { createBlobStore } from '../db/s3/blob-store.ts'
import { createBodyInspection } from '../db/s3/body-inspection.ts'
import { createS3 } from '../db/s3/client.ts'
import { gateway } from '../functions/config/gateway.ts'
import { type Environment, parseConfig } from '../functions/config/parse.ts'
import { ownPlacement, rootOf } from '../functions/config/placements.ts'
import { store } from '../functions/config/store.ts'
import { upload } from '../functions/config/upload.ts'
import { httpUrl, required, text } from '../functions/config/variables.ts'
import { wallet } from '../functions/config/wallet.ts'
import { openPlacements } from '../functions/wiring/placements.ts'
import { createBundler } from '../network/bundler.ts'
import { createGateway } from '../network/gateway.ts'
import { createLocationSource } from '../network/scheduler-location.ts'
import type { AuditParts, LocationParts } from './command.ts'

const unit = v.pipe(
  v.object({
    URL: required("the unit's own address, as the router has it", httpUrl),
    AWS_REGION: v.optional(text),
  }),
  v.transform(({ URL: url, AWS_REGION: region }) => ({ url: rootOf(url) ?? url, region })),
)

/** Fails with ConfigurationError; with `invalid-request` where the unit never ran: whose log it is, is not known then. */
export async function openUnit(env: Environment): Promise<UnitStores> {
  const { url, region, db, identity, recorded, names } = await openLog(env)
  return {
    url,
    identity,
    log: createLogStore(db, recorded.owner),
    fence: createLogFence(db),
    imports: createLogImport(db, recorded.owner),
    blobs: createBlobStore(createS3(names.s3Endpoint, region), names.bucket),
    relay: createRelayStore(db),
  }
}

/** Fails likewise. @param uploads whether what was uploaded is looked for, at GATEWAY_URL */
export async function openAudit(env: Environment, uploads: boolean): Promise<AuditParts> {
  const { region, db, recorded, names } = await openLog(env)
  const { owner } = recorded
  const asked = uploads ? parseConfig(env, { gateway }).gateway : undefined
  return {
    owner,
    log: createLogStore(db, owner),
    inspection: createLogInspection(db, owner),
    bodies: createBodyInspection(createS3(names.s3Endpoint, region), names.bucket),
    imports: createLogImport(db, owner),
    relay: createRelayStore(db),
    // The one that clients ask, and no other.
    gateway: asked && createGateway({ ...asked, bootUrls: [asked.arweaveUrl] }),
  }
}

/** Fails likewise. @param address of the stack that the unit belongs to; none: the unit's own */
export async function openLocation(env: Environment, address: string | undefined): Promise<LocationParts> {
  const { url, recorded, db } = await openLog(env)
  return {
    address: address === undefined ? url : (rootOf(address) ?? address),
    wallet: recorded.wallet,
    source: createLocationSource(parseConfig(env, { gateway }).gateway),
    shown: createLocationStore(db),
    bundler: () => createBundler({ url: parseConfig(env, { upload }).upload.bundlerUrl }),
    signer() {
      const signer = createSigner(parseConfig(env, { wallet }).wallet.reveal())
      if (signer.address === recorded.wallet) return signer
      throw refusal(`The log belongs to the wallet ${recorded.wallet}; the one at hand is ${signer.address}.`)
    },
  }
}

/** None where the unit is alone, or asks a router. Fails with ConfigurationError. */
export function openPlacementsOf(env: Environment): PlacementStore | undefined {
  const { placement } = parseConfig(env, { placement: ownPlacement })
  return placement?.kind === 'table' ? openPlacements(placement) : undefined
}

/** Fails with ConfigurationError. */
export const openGateway = (env: Environment): Gateway => createGateway(parseConfig(env, { gateway }).gateway)

async function openLog(env: Environment) {
  const { store: names, unit: own } = parseConfig(env, { store, unit })
  const { url, region } = own
  const db = {
    client: createDynamoDbClient({ region, endpoint: names.dynamodbEndpoint }),
    tables: { heads: names.headsTable, records: names.recordsTable, ids: names.idsTable },
  }
  const identity = createIdentityStore(db)
  const recorded = await identity.recorded()
  if (!recorded) throw refusal(`The log of ${url} was never begun: start the unit once.`)
  return { url, region, db, identity, recorded, names }
}
