/** AO-Core paths and heads at a router: each question follows its process, a post follows its item. */
import { type Context, Hono } from 'hono'
import pMap from 'p-map'
import { SchedulerError } from '../../core/errors.ts'
import { checkCaller, checkReadable } from '../../core/schedule/access.ts'
import { inTime } from '../../core/schedule/in-time.ts'
import { aoCoreRoutes, processNamed } from './ao-core-path.ts'
import { answerElsewhere, checkEncoding, pathOf } from './ao-core-routes.ts'
import { checkItem, readBody } from './body.ts'
import { callerAddress } from './caller.ts'
import { deadlineOf } from './deadline.ts'
import { readHeadsRequest } from './nonce-routes.ts'
import type { Leader } from './router-lead.ts'
import type { RouterParts } from './router-parts.ts'
import { unitOfItem } from './router-write-routes.ts'

export function routerAoCoreRoutes(parts: RouterParts, lead: Leader): Hono {
  const { placements, lists, clock, maxBodyBytes, hyperbeamUrl } = parts
  const routes = new Hono()

  const follow = async (c: Context): Promise<Response> => {
    const deadline = deadlineOf(c, clock.now())
    const process = processNamed(pathOf(c))
    if (process === undefined) {
      throw new SchedulerError('invalid-request', 'No process is named. Put its id into the path or into target.')
    }
    c.set('process', process)
    const unit = await inTime({ clock }, deadline, unitOf(process))
    if (unit !== undefined) return lead.answer(c, { unit, deadline })
    return c.json({ error: 'This process is not known here', code: 'not-found' }, 404)
  }

  const unitOf = async (process: string): Promise<string | undefined> => {
    await checkReadable(lists, process)
    return placements.unitOf(process)
  }

  routes.post(aoCoreRoutes.schedule, async (c) => {
    const begin = clock.now()
    const deadline = deadlineOf(c, begin)
    await inTime({ clock }, deadline, checkCaller(lists, callerAddress(c, parts, begin)))
    const path = pathOf(c)
    const expected = processNamed(path)
    const body = await readBody(c.req.raw, maxBodyBytes)
    checkEncoding(c, path)
    checkItem(c, body)
    const unit = await unitOfItem(parts, c, body, deadline, expected)
    return lead.answer(c, { unit, deadline, body })
  })

  for (const path of [aoCoreRoutes.schedule, aoCoreRoutes.slot, aoCoreRoutes.currentSlot]) routes.get(path, follow)
  for (const path of [aoCoreRoutes.slot, aoCoreRoutes.currentSlot]) routes.post(path, follow)
  for (const path of [aoCoreRoutes.status, aoCoreRoutes.location]) routes.get(path, follow)
  routes.all(aoCoreRoutes.elsewhere, (c) => answerElsewhere(c, hyperbeamUrl))

  routes.post('/heads', async (c) => {
    const deadline = deadlineOf(c, clock.now())
    const processes = await readHeadsRequest(c.req.raw)
    const units = await inTime(
      { clock },
      deadline,
      pMap(processes, async (process) => [process, await unitOf(process)] as const, { concurrency: 25 }),
    )
    const byUnit = Map.groupBy(units, ([, unit]) => unit)
    byUnit.delete(undefined)
    const answers = await pMap(byUnit, async ([unit = '', placed]) => {
      const body = Buffer.from(JSON.stringify({ processes: placed.map(([process]) => process) }))
      const answer = await lead.passOn(c, { unit, deadline, body })
      if (answer.ok) return (await answer.json()) as Record<string, unknown>
      throw new SchedulerError('unavailable', 'A unit did not say the heads of its processes. Ask again.', {
        retryAfter: 2,
      })
    })
    const heads: Record<string, unknown> = Object.assign({}, ...answers)
    return c.json(Object.fromEntries(processes.map((process) => [process, heads[process] ?? null])))
  })

  return routes
}
