/** `GET /health`, `/metrics` and `/openapi.json`: what monitoring reads, and the description of the API, of a unit and of a router. */
import { Hono } from 'hono'
import { SchedulerError } from '../../core/errors.ts'
import type { InstanceMeter } from './metrics.ts'

export interface OperationParts {
  /** For `GET /metrics`; none where metrics are off. */
  metrics?: Pick<InstanceMeter, 'openMetrics'> | undefined
  /** Whether everything answers that nothing can be done without; fails with what does not. */
  health(): Promise<void>
}

export function operationRoutes({ health, metrics }: OperationParts): Hono {
  const routes = new Hono()

  routes.get('/health', async (c) => {
    await health()
    return c.json({ status: 'ok' })
  })

  routes.get('/metrics', async (c) => {
    if (!metrics) throw new SchedulerError('invalid-request', 'Metrics are off on this scheduler unit')
    const { contentType, body } = await metrics.openMetrics()
    return c.body(body, 200, { 'content-type': contentType })
  })

  // Loaded when it is asked for: a cold start does not pay for it.
  routes.get('/openapi.json', async (c) => {
    const { default: description } = await import('../../api/openapi.json', { with: { type: 'json' } })
    return c.json(description, 200, { 'cache-control': 'public, max-age=3600' })
  })

  return routes
}
