/** What follows a commit: a Lambda function on the stream of the heads table. */
import { systemClock } from '../core/ports/clock.ts'
import { createStreamRelay } from '../core/relay/stream.ts'
import { parseRelayConfig } from './config/functions.ts'
import { createRelayHandler } from './relay-handler.ts'
import { createEmbeddedMeter, metricsLost } from './telemetry/embedded-metrics.ts'
import { createLogger } from './telemetry/logger.ts'
import { createRelayParts } from './wiring/relay.ts'
import { relaySinks } from './wiring/sinks.ts'

const config = parseRelayConfig(process.env)
const log = createLogger(config.logging, { service: 'relay' })
const meter = createEmbeddedMeter({
  service: 'relay',
  namespace: config.logging.metricsNamespace,
  onFailure: metricsLost(log),
})

export const handler = createRelayHandler({
  relay: createStreamRelay(createRelayParts(config, { sinks: relaySinks(config.postgres), meter, log })),
  clock: systemClock,
  flush: () => meter.flush(),
})
