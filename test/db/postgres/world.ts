/** A real Postgres with Neon's protocol in front of it, and a direct connection for a test to look at it with. */
import pg from 'pg'
import { migrate } from '../../../db/postgres/migrate.ts'
import { startPostgresWithNeon } from '../../../local/postgres.ts'

export async function startDatabase({ migrated = true }: { migrated?: boolean } = {}) {
  const stack = await startPostgresWithNeon()
  const direct = new pg.Client({ connectionString: stack.databaseUrl })
  await direct.connect()
  if (migrated) await migrate(stack.databaseUrl, { proxyUrl: stack.proxyUrl })
  return {
    url: stack.databaseUrl,
    proxyUrl: stack.proxyUrl,
    /** Rows of a query, straight from Postgres. */
    async rows(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
      return (await direct.query(text, values)).rows
    },
    async stop() {
      await direct.end()
      await stack.stop()
    },
  }
}

export type TestDatabase = Awaited<ReturnType<typeof startDatabase>>
