/** The database's tables brought up to date, in spite of a database that is just waking up; or a sentence that says why not. */
import pRetry, { type Options } from 'p-retry'
import { mayPass } from '../db/postgres/failures.ts'
import { describeError, type Logger } from './telemetry/logger.ts'

export interface MigrateHandlerDeps {
  /** Safe to be called again, and while another one runs. */
  migrate(): Promise<void>
  log: Pick<Logger, 'info' | 'warn'>
  retries?: Options
}

/** Within the function's ten minutes: a statement may take five (db/postgres/migrate.ts). */
const fourMinutes: Options = { retries: 8, minTimeout: 1_000, maxTimeout: 30_000, maxRetryTime: 240_000 }

export const createMigrateHandler =
  ({ migrate, log, retries = fourMinutes }: MigrateHandlerDeps) =>
  async (): Promise<{ migrated: true }> => {
    try {
      await pRetry(migrate, {
        ...retries,
        shouldRetry: ({ error }) => mayPass(error),
        onFailedAttempt: ({ error }) => log.warn({ err: error }, 'The database was not brought up to date.'),
      })
    } catch (cause) {
      // What a deploy shows is this message alone.
      throw new Error(`The tables of the database could not be brought up to date: ${describeError(cause).message}`, {
        cause,
      })
    }
    log.info('The tables of the database are up to date.')
    return { migrated: true }
  }
