/** Finished history into segments: a Lambda function on the stream of the heads table, beside the relay. */
import { systemClock } from '../core/ports/clock.ts'
import { createStreamRelay } from '../core/relay/stream.ts'
import { parsePackerConfig } from './config/functions.ts'
import { createRelayHandler } from './relay-handler.ts'
import { createEmbeddedMeter, metricsLost } from './telemetry/embedded-metrics.ts'
import { createLogger } from './telemetry/logger.ts'
import { createPackerParts } from './wiring/relay.ts'

const config = parsePackerConfig(process.env)
const log = createLogger(config.logging, { service: 'packer' })
const meter = createEmbeddedMeter({
  service: 'packer',
  namespace: config.logging.metricsNamespace,
  onFailure: metricsLost(log),
})

export const handler = createRelayHandler({
  relay: createStreamRelay(createPackerParts(config, { meter, log })),
  clock: systemClock,
  flush: () => meter.flush(),
})
