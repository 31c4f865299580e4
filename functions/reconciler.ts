/** Each minute: what the relay left behind or owes. */
import { createGateway } from '../network/gateway.ts'
import { parseReconcilerConfig } from './config/functions.ts'
import { createReconcilerHandler } from './reconciler-handler.ts'
import { createEmbeddedMeter, metricsLost } from './telemetry/embedded-metrics.ts'
import { createLogger } from './telemetry/logger.ts'
import { createRelayParts } from './wiring/relay.ts'
import { allSinks } from './wiring/sinks.ts'

const config = parseReconcilerConfig(process.env)
const log = createLogger(config.logging, { service: 'reconciler' })
const meter = createEmbeddedMeter({
  service: 'reconciler',
  namespace: config.logging.metricsNamespace,
  onFailure: metricsLost(log),
})
const gateway = createGateway({ ...config.gateway, bootUrls: [config.gateway.arweaveUrl] })

export const handler = createReconcilerHandler({
  ...createRelayParts(config, { sinks: allSinks(config.postgres), meter, log }),
  isPublished: gateway.exists,
  log,
  flush: () => meter.flush(),
})
