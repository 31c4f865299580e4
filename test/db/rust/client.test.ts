/** What all sources in a Rust system's Postgres share: sessions that cannot write, and addresses. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openRustDatabase, type RustDatabaseOptions } from '../../../db/rust/client.ts'
import { databaseAddress } from '../../../db/rust/database-address.ts'
import { refusal } from '../../../db/rust/refusal.ts'
import { service } from '../../services.ts'
import { type RustPostgres, startRustPostgres } from './world.ts'

let postgres: RustPostgres
beforeAll(async () => {
  postgres = await startRustPostgres((await service('postgres')).databaseUrl)
}, 60_000)
afterAll(() => postgres.stop())

function open(address: string, more: Partial<RustDatabaseOptions> = {}) {
  const database = openRustDatabase({ address, connections: 2, statementMs: 5_000, ...more })
  onTestFinished(() => database.close())
  return database
}

describe('a database to be read', () => {
  it('takes no writes, whatever settings its address has', async () => {
    for (const settings of [
      '',
      '?application_name=me',
      '?options=-c%20work_mem=5MB%20-c%20default_transaction_read_only=off&sslmode=disable',
    ]) {
      const database = open(postgres.url + settings)
      await expect(database.query('create table written (row int)', [])).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringContaining('25006'),
      })
      const memory = await database.query('show work_mem', [])
      expect(memory).toEqual([{ work_mem: settings.includes('5MB') ? '5MB' : '4MB' }])
    }
  })

  it('answers many at once by few connections, however long they wait', async () => {
    const database = open(postgres.url)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        database.query('select $1::int as at, pg_backend_pid() as by, pg_sleep(0.01)', [at]),
      ),
    )
    expect(answers.flat().map(({ at }) => at)).toEqual(Array.from({ length: 20 }, (_, at) => at))
    expect(new Set(answers.flat().map(({ by }) => by)).size).toBe(2)
  })

  it('ends a statement that takes too long, and does not begin it again', async () => {
    const database = open(postgres.url, {
      statementMs: 200,
      patience: { retries: 9, minTimeout: 1, maxRetryTime: 100 },
    })
    await database.query('select 1', [])
    await expect(database.query('select pg_sleep(60)', [])).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('57014'),
    })
  })

  it('says of a pooler that it is one', () => {
    const error = Object.assign(new Error('unsupported startup parameter: options'), { code: '08P01' })
    expect(refusal(error)).toMatchObject({ code: 'invalid-request', message: expect.stringContaining('a pooler') })
  })
})

describe('the address of a database at a base', () => {
  it.each([
    ['postgres://u:p@host:5432', 'postgres://u:p@host:5432/one'],
    ['postgresql://u:p@host:5432/', 'postgresql://u:p@host:5432/one'],
    ['postgres://u:p%2F%3F@host/postgres', 'postgres://u:p%2F%3F@host/one'],
    ['postgres://host?sslmode=verify-full', 'postgres://host/one?sslmode=verify-full'],
    ['postgres://host/?sslmode=require&a=/b', 'postgres://host/one?sslmode=require&a=/b'],
    ['postgres://host/old?sslmode=require', 'postgres://host/one?sslmode=require'],
    ['postgresql:///?host=/var/run', 'postgresql:///one?host=/var/run'],
  ])('at %s', (base, address) => {
    expect(databaseAddress(base, 'one')).toBe(address)
  })

  it('leads to a database whatever it is called', async () => {
    for (const name of ['Tenant_1', 'a b%c', 'straße&co=1+1']) {
      await postgres.query(postgres.url, `create database "${name}"`)
      const database = open(databaseAddress(postgres.url, name))
      expect(await database.query('select current_database() as name', [])).toEqual([{ name }])
    }
  })

  it('fails without showing what it was given', () => {
    for (const [base, name] of [
      ['host=hush', 'one'],
      ['mysql://hush', 'one'],
      ['postgres://hush', ''],
    ] as const) {
      expect(() => databaseAddress(base, name)).toThrow(expect.objectContaining({ code: 'invalid-request' }))
      expect(() => databaseAddress(base, name)).not.toThrow('hush')
    }
  })
})
