/** AO-Core paths of the scheduler device (docs/protocol.md, "AO-Core paths"), as HyperBEAM and its clients ask them. */
import { type Context, Hono } from 'hono'
import { hasCode, SchedulerError } from '../../core/errors.ts'
import { aoCorePageText } from '../../core/read/ao-core-page.ts'
import { openPage } from '../../core/read/page.ts'
import { integer, type PageQuery } from '../../core/read/query.ts'
import { lastNonce, readableHead } from '../../core/read/readable-head.ts'
import { describeScheduled } from '../../core/read/scheduled.ts'
import { checkCaller, checkReadable } from '../../core/schedule/access.ts'
import { scheduleItem } from '../../core/schedule/post.ts'
import { type AoCorePath, aoCoreRoutes, checkForm, processNamed, readAoCorePath } from './ao-core-path.ts'
import { checkItem, readBody } from './body.ts'
import { callerAddress } from './caller.ts'
import { deadlineOf } from './deadline.ts'
import type { AppParts } from './parts.ts'

/** Records of a page, as HyperBEAM bounds it. */
const MAX_RECORDS = 1000

const VARIANT = 'ao.TN.1'

export function aoCoreRoutesOf(parts: AppParts): Hono {
  const { scheduler, reading, address, location, hyperbeamUrl, maxBodyBytes } = parts
  const { clock, height, lists } = scheduler
  const routes = new Hono()

  routes.post(aoCoreRoutes.schedule, async (c) => {
    const begin = clock.now()
    const deadline = deadlineOf(c, begin)
    await checkCaller(lists, callerAddress(c, parts, begin))
    const path = pathOf(c)
    const expected = processNamed(path)
    const raw = await readBody(c.req.raw, maxBodyBytes)
    checkEncoding(c, path)
    checkItem(c, raw)
    const scheduled = await scheduleItem(scheduler, raw, deadline, expected)
    c.set('process', scheduled.process)
    const { process, id, nonce, assignment, timestamp, blockHeight, epoch, hashChain } = await describeScheduled(
      reading,
      scheduled,
    )
    const message = {
      process,
      ...(nonce !== undefined && { slot: nonce }),
      id,
      ...(assignment !== undefined && { assignment }),
      timestamp,
      'block-height': blockHeight,
      epoch: String(epoch),
      ...(hashChain !== undefined && { 'hash-chain': hashChain }),
      variant: VARIANT,
      type: 'Assignment',
    }
    return answerMessage(c, message)
  })

  routes.get(aoCoreRoutes.schedule, (c) =>
    orUnknown(c, async () => {
      const path = pathOf(c)
      checkForm(path, (name) => c.req.header(name))
      const query = pageQueryOf(path.params)
      const process = await readableProcess(c, path)
      const [blockHeight, head] = await Promise.all([height.current(), readableHead(reading.log, process)])
      const page = await openPage(reading, head, query, 'bundle')
      const info = { process, timestamp: clock.now(), blockHeight }
      return c.body(await aoCorePageText(page, info), 200, { 'content-type': 'application/json' })
    }),
  )

  // aoconnect posts a signed item to ask for the slot: it is no message for the process.
  routes.on(['GET', 'POST'], aoCoreRoutes.slot, (c) =>
    orUnknown(c, async () => {
      const { process, current } = await currentSlot(c)
      const blockHeight = await height.current()
      const status = { process, current, timestamp: clock.now(), 'block-height': blockHeight, variant: VARIANT }
      return answerMessage(c, status, { addresses: [address], 'cache-control': 'no-store' })
    }),
  )

  routes.on(['GET', 'POST'], aoCoreRoutes.currentSlot, (c) =>
    orUnknown(c, async () => {
      const { current } = await currentSlot(c)
      return c.text(String(current), 200, { 'ao-result': 'body' })
    }),
  )

  routes.get(aoCoreRoutes.status, (c) => c.json({ address, variant: VARIANT }))

  routes.get(aoCoreRoutes.location, (c) =>
    orUnknown(c, async () => {
      const { address: asked = address } = pathOf(c)
      const item = asked === address ? await location.published() : undefined
      if (!item) throw new SchedulerError('not-found', 'No published location of this scheduler is known here.')
      return c.body(new Uint8Array(item), 200, {
        'content-type': 'application/ans104',
        'codec-device': 'ans104@1.0',
      })
    }),
  )

  routes.all(aoCoreRoutes.elsewhere, (c) => answerElsewhere(c, hyperbeamUrl))

  async function readableProcess(c: Context, path: AoCorePath): Promise<string> {
    const process = processNamed(path)
    if (process === undefined) {
      throw new SchedulerError('invalid-request', 'No process is named. Put its id into the path or into target.')
    }
    c.set('process', process)
    await checkReadable(lists, process)
    return process
  }

  async function currentSlot(c: Context): Promise<{ process: string; current: number }> {
    if (c.req.method === 'POST') await readBody(c.req.raw, maxBodyBytes)
    const process = await readableProcess(c, pathOf(c))
    return { process, current: lastNonce(await readableHead(reading.log, process)) }
  }

  return routes
}

/** The path behind a route that only AO-Core paths lead to. */
export function pathOf(c: Context): AoCorePath {
  const path = readAoCorePath(c.req.url)
  if (!path) throw new SchedulerError('invalid-request', 'The path is not an AO-Core path.')
  return path
}

/** Throws `ans104-only` by whose sentence clients sign again, as ANS-104. */
export function checkEncoding(c: Context, { params }: AoCorePath): void {
  const codec = params.get('codec-device') || c.req.header('codec-device')
  const type = (c.req.header('content-type')?.split(';')[0] ?? '').trim().toLowerCase()
  if (codec === 'ans104@1.0' || (codec === undefined && type === 'application/ans104')) return
  throw new SchedulerError(
    'ans104-only',
    'This scheduler takes ANS-104 items only: sign the message as ANS-104 (codec-device: ans104@1.0)',
  )
}

/**
 * Computing and pushing belong to a HyperBEAM node. A push is never answered with a slot: its sender would wait for
 * results that nothing computes.
 */
export function answerElsewhere(c: Context, hyperbeamUrl: string | undefined): Response {
  if (hyperbeamUrl === undefined) {
    throw new SchedulerError('scheduler-only', 'This is a scheduler only: it does not compute or push')
  }
  const { pathname, search } = new URL(c.req.url)
  const location = `${hyperbeamUrl}${pathname}${search}`
  return c.json({ location }, 307, { location })
}

/** On these paths an unknown process is 404; legacy clients, which expect 400, do not ask them. */
async function orUnknown(c: Context, answer: () => Promise<Response>): Promise<Response> {
  try {
    return await answer()
  } catch (error) {
    if (!hasCode(error, 'not-found')) throw error
    return c.json({ error: error.message, code: error.code }, 404)
  }
}

/** A flat message as HyperBEAM sends it: each key a header, `ao-types` naming the integers, and all of it as JSON. */
function answerMessage(c: Context, message: Record<string, string | number>, more: Record<string, unknown> = {}) {
  const integers = Object.keys(message).filter((key) => typeof message[key] === 'number')
  const types = integers.toSorted().map((key) => `${key}="integer"`)
  const headers = Object.fromEntries(Object.entries(message).map(([key, value]) => [key, String(value)]))
  return c.json({ ...message, ...more }, 200, { ...headers, 'ao-types': types.join(', ') })
}

/** `from` and `to` are slots, both inclusive. */
function pageQueryOf(params: URLSearchParams): PageQuery {
  const given = new URLSearchParams([...params].filter(([, value]) => value !== ''))
  const from = Math.max(0, integer(given, 'from', 32) ?? 0)
  const to = integer(given, 'to', 32)
  const limit = integer(given, 'limit', 32) ?? MAX_RECORDS
  if (limit < 1) throw new SchedulerError('invalid-request', 'limit must be 1 or more.')
  return {
    by: 'nonce',
    showAnchor: false,
    from: from - 1,
    limit: Math.min(limit, MAX_RECORDS),
    ...(to !== undefined && { to }),
  }
}
