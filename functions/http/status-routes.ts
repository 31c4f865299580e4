/** `GET /`, `/timestamp`, `/health`, `/metrics`: who the unit is and how it does. */
import { Hono } from 'hono'
import { SchedulerError } from '../../core/errors.ts'
import { paddedHeight } from '../../core/protocol/assignment.ts'
import type { AppParts } from './parts.ts'

export function statusRoutes({ address, scheduler, health, metrics }: AppParts): Hono {
  const routes = new Hono()

  routes.get('/', (c) => c.json({ address, timestamp: String(scheduler.clock.now()) }))

  routes.get('/timestamp', async (c) => {
    const height = await scheduler.height.current()
    return c.json({ block_height: paddedHeight(height), timestamp: String(scheduler.clock.now()) })
  })

  routes.get('/health', async (c) => {
    await health()
    return c.body(null, 200)
  })

  routes.get('/metrics', async (c) => {
    if (!metrics) throw new SchedulerError('invalid-request', 'Metrics are off on this scheduler unit')
    const { contentType, body } = await metrics.openMetrics()
    return c.body(body, 200, { 'content-type': contentType })
  })

  return routes
}
