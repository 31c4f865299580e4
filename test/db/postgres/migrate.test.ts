/** Migrations: all or nothing each, harmless when several run at once or again, and the tables are the schema's. */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { migrate } from '../../../db/postgres/migrate.ts'
import { startDatabase, type TestDatabase } from './world.ts'

const run = promisify(execFile)

describe('migrate', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await startDatabase({ migrated: false })
  }, 60_000)
  beforeEach(async () => {
    await database.rows('drop schema if exists drizzle cascade')
    await database.rows('drop table if exists messages, processes')
  })
  afterAll(() => database.stop())

  const tables = async () =>
    (await database.rows(`select tablename from pg_tables where schemaname = 'public' order by tablename`)).map(
      ({ tablename }) => tablename,
    )
  const noted = async () => Number((await database.rows('select count(*) from drizzle.__drizzle_migrations'))[0]?.count)
  const migrateHere = () => migrate(database.url, { proxyUrl: database.proxyUrl })

  it('makes the tables, once', async () => {
    await migrateHere()
    expect(await tables()).toEqual(['messages', 'processes'])
    const count = await noted()
    await migrateHere()
    expect(await noted()).toBe(count)
  })

  it('may run several times at once', async () => {
    await Promise.all(Array.from({ length: 8 }, migrateHere))
    expect(await tables()).toEqual(['messages', 'processes'])
    const count = await noted()
    await migrateHere()
    expect(await noted()).toBe(count)
  })

  it('does all of a migration or nothing of it', async () => {
    // The second table of the first migration is in the way.
    await database.rows('create table processes (id text)')
    await expect(migrateHere()).rejects.toThrow()
    expect(await tables()).toEqual(['processes'])
    expect(await noted()).toBe(0)
    await database.rows('drop table processes')
    await migrateHere()
    expect(await tables()).toEqual(['messages', 'processes'])
  })

  it('runs by command', async () => {
    const migrateBy = (env: Record<string, string>) =>
      run(process.execPath, ['db/postgres/migrate.ts'], { env: { PATH: process.env.PATH ?? '', ...env } })
    const { stdout } = await migrateBy({ DATABASE_URL: database.url, NEON_PROXY_URL: database.proxyUrl })
    expect(stdout).toContain('up to date')
    expect(await tables()).toEqual(['messages', 'processes'])
    await expect(migrateBy({ DATABASE_URL: '' })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('DATABASE_URL is missing'),
    })
  }, 30_000)

  it('has nothing to add: the migrations say what the schema says', async () => {
    // On a copy: where there is a change, drizzle-kit writes it down. It wants a path below the working folder.
    const copy = await mkdtemp('db/postgres/migrations.copy-')
    try {
      await cp('db/postgres/migrations', copy, { recursive: true })
      const options = ['--dialect', 'postgresql', '--schema', './db/postgres/schema.ts', '--out', `./${copy}`]
      const { stdout } = await run('node_modules/.bin/drizzle-kit', ['generate', ...options], {
        env: { ...process.env, NO_COLOR: '1' },
      })
      expect(stdout).toContain('No schema changes')
    } finally {
      await rm(copy, { recursive: true })
    }
  }, 30_000)
})
