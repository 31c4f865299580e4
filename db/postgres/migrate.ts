/**
 * Brings a database's tables up to date: `npm run db:migrate`, at every local start and at deploy. drizzle's own migrator for
 * this driver sends statement by statement: two at once collide, and one that is killed leaves half a migration. Here each
 * migration is one transaction under a lock, noted in drizzle's own table, so that drizzle's tools read the same.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { createSql } from './client.ts'
import { sqlState } from './failures.ts'

const MIGRATIONS = fileURLToPath(new URL('migrations', import.meta.url))

/** Any number will do, as long as nothing else of the unit takes it. */
const LOCK = 'select pg_advisory_xact_lock(6107362001)'
const NOTED = '"drizzle"."__drizzle_migrations"'
/** Raised where another run was quicker. A SQLSTATE of a class that Postgres leaves to its users. */
const APPLIED = 'MG001'

/** Making an index on a table that is full takes its time. */
const TIMEOUT_MS = 300_000

/**
 * @param databaseUrl as DATABASE_URL
 * @param options.proxyUrl as NEON_PROXY_URL
 * Fails with what the driver fails with. Safe when several run at once, or again.
 */
export async function migrate(
  databaseUrl: string,
  { proxyUrl }: { proxyUrl?: string | undefined } = {},
): Promise<void> {
  const sql = createSql({ url: databaseUrl, proxyUrl, timeoutMs: TIMEOUT_MS })
  const inOneTransaction = (statements: readonly string[]) =>
    sql.transaction([LOCK, ...statements].map((statement) => sql.query(statement)))

  await inOneTransaction([
    'create schema if not exists "drizzle"',
    `create table if not exists ${NOTED} (id serial primary key, hash text not null, created_at bigint)`,
  ])
  for (const { sql: statements, folderMillis, hash } of readMigrationFiles({ migrationsFolder: MIGRATIONS })) {
    const [latest] = await sql.query(`select max(created_at) as at from ${NOTED}`)
    if (latest?.at !== null && Number(latest?.at) >= folderMillis) continue
    try {
      await inOneTransaction([
        `do $$ begin
          if exists (select from ${NOTED} where created_at >= ${folderMillis}) then
            raise exception 'applied already' using errcode = '${APPLIED}';
          end if;
        end $$`,
        ...statements,
        `insert into ${NOTED} (hash, created_at) values ('${hash}', ${folderMillis})`,
      ])
    } catch (error) {
      if (sqlState(error) !== APPLIED) throw error
    }
  }
}

if (import.meta.main) {
  if (existsSync('.env')) process.loadEnvFile('.env')
  const { DATABASE_URL, NEON_PROXY_URL } = process.env
  if (DATABASE_URL) {
    await migrate(DATABASE_URL, { proxyUrl: NEON_PROXY_URL || undefined })
    process.stdout.write('The tables of metadata are up to date.\n')
  } else {
    process.stderr.write(
      'DATABASE_URL is missing: set it, in the environment or in .env, to the database to be migrated.\n',
    )
    process.exitCode = 1
  }
}
