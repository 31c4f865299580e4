/** The index of metadata. Without DATABASE_URL there is none, and every question is answered from the log. */
import * as v from 'valibot'
import { count, httpUrl, postgresUrl } from './variables.ts'

export const postgres = v.pipe(
  v.object({
    DATABASE_URL: v.optional(postgresUrl),
    DATABASE_READ_URL: v.optional(postgresUrl),
    NEON_PROXY_URL: v.optional(httpUrl),
    DB_WRITE_CONNECTIONS: count('requests', 10, 1, 1000),
    DB_READ_CONNECTIONS: count('requests', 10, 1, 1000),
  }),
  v.transform((env) => ({
    url: env.DATABASE_URL,
    readUrl: env.DATABASE_READ_URL ?? env.DATABASE_URL,
    proxyUrl: env.NEON_PROXY_URL,
    /** Requests that an instance has under way at once. */
    writeConcurrency: env.DB_WRITE_CONNECTIONS,
    readConcurrency: env.DB_READ_CONNECTIONS,
  })),
)
