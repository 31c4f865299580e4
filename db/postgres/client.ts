/** A client of Postgres by Neon's driver, SQL over HTTP: no connection to keep, so nothing for a frozen Lambda to lose. */
import { neon } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { createTransport, type TransportOptions, useTransports } from './transport.ts'

export interface DatabaseOptions extends Partial<TransportOptions> {
  /** DATABASE_URL or DATABASE_READ_URL. */
  url: string
}

/** The driver itself, for statements that are no queries of ours. Asks nothing yet. */
export function createSql({ url, proxyUrl, connections = 10, timeoutMs = 15_000 }: DatabaseOptions) {
  useTransports()
  const transport = createTransport({ proxyUrl, connections, timeoutMs })
  return neon(url, { fetchOptions: { transport } })
}

export const createDatabase = (options: DatabaseOptions) => drizzle({ client: createSql(options) })

export type Database = ReturnType<typeof createDatabase>
