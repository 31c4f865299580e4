/** What a Rust unit's messages are brought in from. All of it may be said when it is called instead. */
import * as v from 'valibot'
import { count, httpUrl, postgresUrl } from './variables.ts'

export const migration = v.pipe(
  v.object({
    MIGRATION_SOURCE_URL: v.optional(postgresUrl),
    MULTI_TENANT_BASE_CONN: v.optional(postgresUrl),
    MIGRATION_BATCH_SIZE: count('rows', 1_000, 1, 10_000),
    PROCESS_WHITELIST_URL: v.optional(httpUrl),
  }),
  v.transform((env) => ({
    url: env.MIGRATION_SOURCE_URL,
    /** What the addresses of an allow-listed unit's databases have in common. */
    base: env.MULTI_TENANT_BASE_CONN,
    /** Rows that are read at once. */
    batchSize: env.MIGRATION_BATCH_SIZE,
    /** The list that says which databases a unit has. */
    processListUrl: env.PROCESS_WHITELIST_URL,
  })),
)
