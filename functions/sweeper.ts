/** Now and then: wakes every process that the relay is not done with. */
import { createRelayStore } from '../db/dynamodb/relay-store.ts'
import { parseSweeperConfig } from './config/functions.ts'
import { createSweeperHandler } from './sweeper-handler.ts'
import { createEmbeddedMeter, metricsLost } from './telemetry/embedded-metrics.ts'
import { createLogger } from './telemetry/logger.ts'
import { effectsOf } from './wiring/effects.ts'
import { openHeads } from './wiring/log.ts'

const { logging, heads, postgres } = parseSweeperConfig(process.env)
const log = createLogger(logging, { service: 'sweeper' })
const meter = createEmbeddedMeter({
  service: 'sweeper',
  namespace: logging.metricsNamespace,
  onFailure: metricsLost(log),
})

export const handler = createSweeperHandler({
  store: createRelayStore(openHeads(heads)),
  effects: effectsOf(postgres),
  meter,
  log,
  flush: () => meter.flush(),
})
