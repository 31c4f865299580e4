/**
 * Called by an operator, once: brings in what another system has.
 *
 *   { "placements": { "from": "postgresql://…", "units": { "https://old": "https://new" }, "dryRun": true, "after": 0 } }
 */
import { parseMigConfig } from './config/functions.ts'
import { createMigHandler } from './mig/handler.ts'
import { createMigParts } from './mig/parts.ts'
import { createLogger } from './telemetry/logger.ts'

const config = parseMigConfig(process.env)

export const handler = createMigHandler({
  ...createMigParts(config),
  log: createLogger(config.logging, { service: 'mig' }),
})
