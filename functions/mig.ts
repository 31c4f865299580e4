/**
 * Called by an operator: brings a Rust unit's processes and messages into this unit's log (docs/migration.md). (What a Rust router
 * has placed is brought in by the router: mig-placements.ts.)
 *
 *   { "messages": { "rows": "0", "auditOnly": true, "continue": true } }
 */
import { parseMigConfig } from './config/functions.ts'
import { callOn } from './mig/call-on.ts'
import { createMessagesHandler } from './mig/messages-handler.ts'
import { createLogger } from './telemetry/logger.ts'
import { createMessagesParts } from './wiring/migration.ts'

const config = parseMigConfig(process.env)

export const handler = createMessagesHandler({
  ...createMessagesParts(config),
  callOn,
  log: createLogger(config.logging, { service: 'mig' }),
})
