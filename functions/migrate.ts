/** Called by each deploy, before the functions that need the database's tables are changed. A failure fails the deploy. */
import { migrate } from '../db/postgres/migrate.ts'
import { parseMigrateConfig } from './config/functions.ts'
import { createMigrateHandler } from './migrate-handler.ts'
import { createLogger } from './telemetry/logger.ts'

const { logging, database } = parseMigrateConfig(process.env)

export const handler = createMigrateHandler({
  migrate: () => migrate(database.url.reveal(), { proxyUrl: database.proxyUrl }),
  log: createLogger(logging, { service: 'migrate' }),
})
