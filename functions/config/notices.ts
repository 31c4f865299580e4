/** Variables of the reference that have nothing to do here: they do no harm, and a sentence says what replaces them. */
import * as v from 'valibot'

const DISK = 'item bodies are kept in DynamoDB and in the S3 bucket BUCKET.'
const LOCAL_STORE = 'the log is kept in DynamoDB (HEADS_TABLE, RECORDS_TABLE, IDS_TABLE).'
const TENANTS =
  'all processes of a unit are in one log, whatever db_name the allow-list gives them; what is moved in is read at MULTI_TENANT_BASE_CONN.'
const DEEP_HASH = 'there is one version of the deep hash, and hashes are kept from the first message on.'

const replaced = {
  USE_DISK: DISK,
  SU_DATA_DIR: DISK,
  USE_LOCAL_STORE: LOCAL_STORE,
  SU_FILE_DB_DIR: LOCAL_STORE,
  SU_INDEX_DB_DIR: LOCAL_STORE,
  SU_FILE_SYNC_DB_DIR: LOCAL_STORE,
  SU_INDEX_SYNC_DB_DIR: LOCAL_STORE,
  MULTI_TENANT_BASE_READ_CONN: TENANTS,
  MULTI_TENANT_BASE_DATA_DIR: TENANTS,
  CURRENT_DEEPHASH_VERSION: DEEP_HASH,
  DEEPHASH_RECALC_LIMIT: DEEP_HASH,
  WARMUP_DELAY: 'instances need no warming up: any of them may schedule at once.',
  TIMESTAMP_SORT_PROCESSES: 'pages are always in the order of nonces.',
  ASSIGNMENT: 'it is not needed: which unit has a process is known by the process alone.',
} as const

export const replacedVariables: readonly string[] = Object.keys(replaced)

const environment = v.record(v.string(), v.optional(v.string()))
type Variables = v.InferOutput<typeof environment>

const replacedOf = (env: Variables): string[] =>
  Object.entries(replaced).flatMap(([name, why]) => (env[name] === undefined ? [] : [`${name} has no effect: ${why}`]))

/** Sentences to be logged when a unit starts. */
export const notices = v.pipe(
  environment,
  v.transform((env) => {
    const sentences = replacedOf(env)
    if (env.SU_WALLET !== undefined && env.SU_WALLET_PATH !== undefined) {
      sentences.push('SU_WALLET_PATH has no effect: SU_WALLET holds the wallet itself.')
    }
    const asks = env.PLACEMENTS_TABLE !== undefined || env.ENABLE_ROUTER_CHECK?.toLowerCase() === 'true'
    if (env.ROUTER_URL !== undefined && !asks) {
      sentences.push('ROUTER_URL has no effect: without ENABLE_ROUTER_CHECK=true no router is asked about spawns.')
    }
    if (env.DATABASE_URL === undefined) {
      sentences.push('DATABASE_URL is not set: no metadata is kept in Postgres, and everything is read from the log.')
    }
    return sentences
  }),
)

/** Sentences to be logged when a router starts. */
export const routerNotices = v.pipe(
  environment,
  v.transform((env) => {
    const sentences = replacedOf(env)
    if (env.SCHEDULER_LIST !== undefined && env.SCHEDULER_LIST_PATH !== undefined) {
      sentences.push('SCHEDULER_LIST_PATH has no effect: SCHEDULER_LIST holds the list itself.')
    }
    if (env.ROUTER_SECRET === undefined) {
      sentences.push(
        'ROUTER_SECRET is not set: to units, the caller of what is passed on is the router, and their IP lists judge that.',
      )
    }
    return sentences
  }),
)
