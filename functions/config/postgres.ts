/** The index of metadata. Without DATABASE_URL there is none, and every question is answered from the log. */
import * as v from 'valibot'
import { count, httpUrl, neonUrl, required } from './variables.ts'

const writing = {
  DATABASE_URL: v.optional(neonUrl),
  NEON_PROXY_URL: v.optional(httpUrl),
  DB_WRITE_CONNECTIONS: count('requests', 10, 1, 1000),
}

/** For whoever only writes to it, or wants to know whether there is one. */
export const postgresWriting = v.pipe(
  v.object(writing),
  v.transform((env) => ({
    url: env.DATABASE_URL,
    proxyUrl: env.NEON_PROXY_URL,
    /** Requests that an instance has under way at once. */
    writeConcurrency: env.DB_WRITE_CONNECTIONS,
  })),
)

/** For whoever cannot do without: what brings its tables up to date. */
export const database = v.pipe(
  v.object({
    DATABASE_URL: required('the connection string of the Postgres database', neonUrl),
    NEON_PROXY_URL: v.optional(httpUrl),
  }),
  v.transform((env) => ({ url: env.DATABASE_URL, proxyUrl: env.NEON_PROXY_URL })),
)

export const postgres = v.pipe(
  v.object({
    ...writing,
    DATABASE_READ_URL: v.optional(neonUrl),
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
