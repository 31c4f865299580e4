/** `GET /`, `/timestamp`: who the unit is, and when it is. */
import { Hono } from 'hono'
import { paddedHeight } from '../../core/protocol/assignment.ts'
import type { AppParts } from './parts.ts'

export function statusRoutes({ address, scheduler }: AppParts): Hono {
  const routes = new Hono()

  routes.get('/', (c) => c.json({ address, timestamp: String(scheduler.clock.now()) }))

  routes.get('/timestamp', async (c) => {
    const height = await scheduler.height.current()
    return c.json({ block_height: paddedHeight(height), timestamp: String(scheduler.clock.now()) })
  })

  return routes
}
