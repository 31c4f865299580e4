/** The whole app over fakes, in one process, with what it logs. */
import type { Hono } from 'hono'
import type { Clock } from '../../../../core/ports/clock.ts'
import { Secret } from '../../../../functions/config/secret.ts'
import { createApp } from '../../../../functions/http/app.ts'
import { createInstanceMeter } from '../../../../functions/http/metrics.ts'
import type { AppParts } from '../../../../functions/http/parts.ts'
import { createLogger } from '../../../../functions/telemetry/logger.ts'
import { recordedTransactions } from '../../../fakes/recorded-transactions.ts'
import { createUnit, type Unit, type UnitOptions } from '../../../fakes/unit.ts'
import { VirtualClock } from '../../../fakes/virtual-clock.ts'

export const CDN_SECRET = 'the secret of the CDN'

/** For an app that stands behind a CDN. */
export const behindCdn = { cdnSecrets: new Secret([CDN_SECRET]) }

export interface UnitApp<C extends Clock = VirtualClock> {
  app: Hono
  unit: Unit<C>
  parts: AppParts
  /** What was logged, a line each. */
  lines: Record<string, unknown>[]
}

export interface AppOptions<C extends Clock> extends UnitOptions<C> {
  parts?: Partial<AppParts>
}

export function createUnitApp(options?: AppOptions<VirtualClock>): UnitApp
export function createUnitApp<C extends Clock>(options: AppOptions<C> & { clock: C }): UnitApp<C>
export function createUnitApp({ parts: others, ...options }: AppOptions<Clock> = {}): UnitApp<Clock> {
  const metrics = createInstanceMeter()
  const { clock = new VirtualClock() } = options
  const unit = createUnit({ meter: metrics, ...options, clock })
  for (const transaction of recordedTransactions) unit.gateway.hold(transaction)
  const lines: Record<string, unknown>[] = []
  const logger = createLogger({ level: 'info' }, {}, { write: (line) => lines.push(JSON.parse(line)) })
  const parts: AppParts = {
    scheduler: unit.scheduler,
    reading: unit.reading,
    address: unit.signer.address,
    logger,
    location: { published: async () => undefined },
    aoCore: true,
    maxWaiting: 2,
    maxBodyBytes: 4_500_000,
    metrics,
    health: async () => undefined,
    afterAnswer: async () => undefined,
    ...others,
  }
  return { app: createApp(parts), unit, parts, lines }
}
