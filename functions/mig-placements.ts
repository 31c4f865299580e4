/**
 * Called by an operator, once: brings in what a Rust router has placed. (Messages are brought in by each unit: mig.ts.)
 *
 *   { "placements": { "from": "postgresql://…", "units": { "https://old": "https://new" }, "dryRun": true, "after": 0 } }
 */
import { parseMigPlacementsConfig } from './config/functions.ts'
import { createPlacementsHandler } from './mig/placements-handler.ts'
import { createPlacementsParts } from './mig/placements-parts.ts'
import { createLogger } from './telemetry/logger.ts'

const config = parseMigPlacementsConfig(process.env)

export const handler = createPlacementsHandler({
  ...createPlacementsParts(config),
  log: createLogger(config.logging, { service: 'migPlacements' }),
})
