/** The database of metadata that DATABASE_URL names: one that refuses entry ends the start, one that is away does not. */
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../local/database.ts'
import { startPostgres } from '../../local/postgres/server.ts'
import { StartError } from '../../local/start-error.ts'
import { openTestKeeper, temporaryDir } from './host.ts'

test('a database that does not exist is an error that names the variable, and the password is not shown', async () => {
  const postgres = await startPostgres()
  onTestFinished(() => postgres.stop())
  const url = new URL(postgres.url)
  url.pathname = '/missing'
  url.password = 'HUSH'
  const opening = openDatabase({
    stateDir: await temporaryDir(),
    variables: { DATABASE_URL: url.href },
    ports: {},
    keeper: await openTestKeeper(),
    log() {},
  })
  const error: unknown = await opening.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(StartError)
  expect(String(error)).toContain('DATABASE_URL: database "missing" does not exist. Correct it')
  expect(String(error)).not.toContain('HUSH')
})
