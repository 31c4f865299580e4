/** `POST /`: a data item to be scheduled, or a transaction to be assigned. */
import { Hono } from 'hono'
import { SchedulerError } from '../../core/errors.ts'
import type { Meter } from '../../core/ports/meter.ts'
import { checkCaller } from '../../core/schedule/access.ts'
import { assignTransaction } from '../../core/schedule/assign.ts'
import { postItem } from '../../core/schedule/post.ts'
import { readItem } from './body.ts'
import { callerAddress } from './caller.ts'
import { deadlineOf } from './deadline.ts'
import type { AppParts } from './parts.ts'

export function writeRoutes({ scheduler, reading, maxBodyBytes, cdnSecrets, routerSecrets }: AppParts): Hono {
  const { clock, lists } = scheduler
  const routes = new Hono()

  routes.post('/', async (c) => {
    const begin = clock.now()
    const deadline = deadlineOf(c, begin)
    try {
      await checkCaller(lists, callerAddress(c, { cdnSecrets, routerSecrets }, begin))
      const { searchParams } = new URL(c.req.url)
      const assign = searchParams.get('assign')
      if (assign !== null) {
        const process = searchParams.get('process-id')
        if (process === null) throw new SchedulerError('invalid-request', 'assign needs process-id as well')
        const baseLayer = searchParams.has('base-layer')
        const exclude = searchParams.get('exclude') ?? undefined
        return c.json(
          await assignTransaction(scheduler, { process, transaction: assign, baseLayer, exclude }, deadline),
        )
      }
      return c.json(await postItem(scheduler, await readItem(c, maxBodyBytes), deadline))
    } catch (error) {
      countFailure(reading.meter, error)
      throw error
    } finally {
      reading.meter.time('write_item', clock.now() - begin)
    }
  })

  return routes
}

/** Only what the unit failed at counts as a failure to save, not what it refused. */
function countFailure(meter: Meter, error: unknown): void {
  if (!(error instanceof SchedulerError) || error.code === 'unavailable') meter.count('message_save_failures')
}
