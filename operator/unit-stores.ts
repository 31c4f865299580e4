/** A unit's stores, from the environment that its stack gives its functions. */
import * as v from 'valibot'
import { refusal, type UnitStores } from '../core/placement/move-stores.ts'
import type { Gateway } from '../core/ports/gateway.ts'
import { createDynamoDbClient } from '../db/dynamodb/client.ts'
import { createIdentityStore } from '../db/dynamodb/identity-store.ts'
import { createLogFence } from '../db/dynamodb/log-fence.ts'
import { createLogImport } from '../db/dynamodb/log-import.ts'
import { createLogStore } from '../db/dynamodb/log-store.ts'
import { createRelayStore } from '../db/dynamodb/relay-store.ts'
import { createBlobStore } from '../db/s3/blob-store.ts'
import { createS3 } from '../db/s3/client.ts'
import { gateway } from '../functions/config/gateway.ts'
import { type Environment, parseConfig } from '../functions/config/parse.ts'
import { rootOf } from '../functions/config/placements.ts'
import { store } from '../functions/config/store.ts'
import { httpUrl, required, text } from '../functions/config/variables.ts'
import { createGateway } from '../network/gateway.ts'

const unit = v.pipe(
  v.object({
    URL: required("the unit's own address, as the router has it", httpUrl),
    AWS_REGION: v.optional(text),
  }),
  v.transform(({ URL: url, AWS_REGION: region }) => ({ url: rootOf(url) ?? url, region })),
)

/** Fails with ConfigurationError; with `invalid-request` where the unit never ran: whose log it is, is not known then. */
export async function openUnit(env: Environment): Promise<UnitStores> {
  const { store: names, unit: own } = parseConfig(env, { store, unit })
  const { url, region } = own
  const db = {
    client: createDynamoDbClient({ region, endpoint: names.dynamodbEndpoint }),
    tables: { heads: names.headsTable, records: names.recordsTable, ids: names.idsTable },
  }
  const identity = createIdentityStore(db)
  const recorded = await identity.recorded()
  if (!recorded) throw refusal(`The log of ${url} was never begun: start the unit once.`)
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

/** Fails with ConfigurationError. */
export const openGateway = (env: Environment): Gateway => createGateway(parseConfig(env, { gateway }).gateway)
