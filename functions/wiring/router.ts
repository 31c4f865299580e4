/** The router from configuration: every adapter is made here, once for each instance. */
import { Placements } from '../../core/placement/placements.ts'
import { systemClock as clock } from '../../core/ports/clock.ts'
import type { RouterConfig } from '../config/functions.ts'
import { createInstanceMeter } from '../http/metrics.ts'
import type { RouterParts } from '../http/router-parts.ts'
import { createEmbeddedMeter, metricsLost } from '../telemetry/embedded-metrics.ts'
import type { Logger } from '../telemetry/logger.ts'
import { allOf } from '../telemetry/meters.ts'
import { openLists } from './lists.ts'
import { openPlacements } from './placements.ts'
import { createRouterHealth } from './router-health.ts'

export function createRouterParts(config: RouterConfig, logger: Logger): RouterParts {
  const placements = new Placements({
    store: openPlacements(config.placements),
    units: config.units,
    clock,
    rememberedProcesses: config.serving.placementsRemembered,
  })
  const metrics = createInstanceMeter()
  const embedded = createEmbeddedMeter({
    service: 'router',
    namespace: config.logging.metricsNamespace,
    onFailure: metricsLost(logger),
  })
  const meter = config.serving.metrics ? allOf(metrics, embedded) : metrics
  return {
    placements,
    lists: openLists(config.access, logger, meter),
    signatureTypes: config.signatures.types,
    passOn: config.passOn,
    aoCore: config.serving.aoCore,
    hyperbeamUrl: config.serving.hyperbeamUrl,
    clock,
    meter,
    logger,
    maxBodyBytes: config.serving.maxBodyBytes,
    cdnSecrets: config.serving.cdnSecrets,
    metrics: config.serving.metrics ? metrics : undefined,
    health: createRouterHealth({ placements, clock }),
    afterAnswer: () => embedded.flush(),
  }
}
