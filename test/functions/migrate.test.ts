/** What each deploy calls: the database's tables brought up to date in spite of an outage, or a sentence that fails the deploy. */
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createMigrateHandler } from '../../functions/migrate-handler.ts'
import { buildFunction } from '../../infra/build.ts'
import { startDatabase, type TestDatabase } from '../db/postgres/world.ts'

const log = { info() {}, warn() {} }
const retries = { retries: 3, minTimeout: 1, maxTimeout: 1 }

/** Fails with these, one after the other, and then no more. */
function failing(...errors: Error[]) {
  const waiting = [...errors]
  const calls = { count: 0 }
  return {
    calls,
    async migrate() {
      calls.count++
      const error = waiting.shift()
      if (error) throw error
    },
  }
}

const ofPostgres = (code: string) => Object.assign(new Error('said Postgres'), { code })

describe('migrations at deploy', () => {
  it('wait for a database that is waking up', async () => {
    const { migrate, calls } = failing(new TypeError('fetch failed'), ofPostgres('57P03'))
    expect(await createMigrateHandler({ migrate, log, retries })()).toEqual({ migrated: true })
    expect(calls.count).toBe(3)
  })

  it('fail with what Postgres says, at once, where it would say the same again', async () => {
    const { migrate, calls } = failing(ofPostgres('42P07'))
    await expect(createMigrateHandler({ migrate, log, retries })()).rejects.toThrow(
      'The tables of the database could not be brought up to date: said Postgres',
    )
    expect(calls.count).toBe(1)
  })

  it('fail where nobody answers for long, and show no password', async () => {
    const away = () =>
      new Error('Error connecting to database: fetch failed for postgresql://su:HUSHHUSH@db.example/su')
    const { migrate, calls } = failing(away(), away(), away(), away(), away())
    const error = await createMigrateHandler({ migrate, log, retries })().catch((reason: unknown) => reason)
    expect(String(error)).toContain('fetch failed')
    expect(String(error)).not.toContain('HUSH')
    expect(calls.count).toBe(4)
  })
})

describe('the bundle, as it is deployed', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await startDatabase({ migrated: false })
  }, 60_000)
  afterAll(() => database.stop())

  it('brings the tables up to date, twice', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'su-migrate-'))
    onTestFinished(() => rmSync(dir, { recursive: true }))
    await buildFunction('functions/migrate.ts', dir)
    // As infra/sst/migrations.ts has it put beside the code.
    cpSync('db/postgres/migrations', join(dir, 'migrations'), { recursive: true })
    const call = `const { handler } = await import(${JSON.stringify(join(dir, 'index.mjs'))}); console.log(JSON.stringify(await handler()))`
    const run = () =>
      promisify(execFile)(process.execPath, ['--input-type=module', '--eval', call], {
        env: { DATABASE_URL: database.url, NEON_PROXY_URL: database.proxyUrl, LOG_LEVEL: 'silent' },
      })
    expect((await run()).stdout.trim()).toBe('{"migrated":true}')
    expect((await run()).stdout.trim()).toBe('{"migrated":true}')
    const tables = await database.rows(`select tablename from pg_tables where schemaname = 'public' order by tablename`)
    expect(tables.map(({ tablename }) => tablename)).toEqual(['messages', 'processes'])
  })
})
