/** A database of its own in the run's Postgres, with Neon's protocol in front of it, and a direct connection for a test to look at it. */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { migrate } from '../../../db/postgres/migrate.ts'
import { service } from '../../services.ts'

export async function startDatabase({ migrated = true }: { migrated?: boolean } = {}) {
  const { databaseUrl, proxyUrl } = await service('postgres')
  const name = `test_${randomBytes(8).toString('hex')}`
  const server = new pg.Client({ connectionString: databaseUrl })
  await server.connect()
  await server.query(`create database ${name}`)
  await server.end()
  const url = databaseUrl.replace(/\/postgres$/, `/${name}`)
  const direct = new pg.Client({ connectionString: url })
  await direct.connect()
  if (migrated) await migrate(url, { proxyUrl })
  return {
    url,
    proxyUrl,
    /** Rows of a query, straight from Postgres. */
    async rows(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
      return (await direct.query(text, values)).rows
    },
    stop: () => direct.end(),
  }
}

export type TestDatabase = Awaited<ReturnType<typeof startDatabase>>
