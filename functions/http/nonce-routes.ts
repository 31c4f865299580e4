/** What goes by nonces: newest first, waiting for the next record, one record by its nonce, the heads of many processes. */
import { Hono } from 'hono'
import pMap from 'p-map'
import * as v from 'valibot'
import { isId } from '../../core/ans104/base64url.ts'
import { SchedulerError } from '../../core/errors.ts'
import { openNewestFirst } from '../../core/read/newest-first.ts'
import { integer, parsePageQuery } from '../../core/read/query.ts'
import { readRecord } from '../../core/read/read-records.ts'
import { lastNonce, readableHead } from '../../core/read/readable-head.ts'
import { recordBytes } from '../../core/read/record-text.ts'
import { NewRecords } from '../../core/read/waiting.ts'
import { checkReadable } from '../../core/schedule/access.ts'
import { readBody } from './body.ts'
import { deadlineOf } from './deadline.ts'
import type { AppParts } from './parts.ts'
import { sendBytes } from './sending.ts'

/** Heads that are read at once for one request. */
const HEADS_AT_ONCE = 25

const MAX_WAIT_S = 20

export function nonceRoutes({ scheduler: { lists, clock }, reading, maxWaiting }: AppParts): Hono {
  const { log } = reading
  const newRecords = new NewRecords({ log, clock, max: maxWaiting })
  const routes = new Hono()

  routes.get('/:nonce{[0-9]{1,10}}', async (c) => {
    const nonce = Number(c.req.param('nonce'))
    const process = c.req.query('process-id') || c.req.query('proc-id')
    if (process === undefined || !isId(process)) {
      throw new SchedulerError('invalid-request', 'A nonce is asked for in a process: add its id as process-id.')
    }
    c.set('process', process)
    await checkReadable(lists, process)
    const head = await readableHead(log, process)
    if (nonce < Math.max(0, head.firstNonce) || nonce > lastNonce(head)) {
      throw new SchedulerError('not-found', `Process ${process} has no record with the nonce ${nonce}.`)
    }
    const headers = new Headers({ 'content-type': 'application/json' })
    const bytes = await recordBytes(reading, await readRecord(log, process, nonce))
    return sendBytes(c, bytes, { headers, onCutOff: 'a record was cut off' })
  })

  routes.get('/:process', async (c, next) => {
    const process = c.req.param('process')
    const params = new URL(c.req.url).searchParams
    const isFalling = params.get('sort')?.toUpperCase() === 'DESC'
    if (!isId(process) || !(isFalling || params.has('wait'))) return next()
    c.set('process', process)
    await checkReadable(lists, process)
    if (!isFalling) {
      const { after, seconds } = waitOf(params)
      const head = await log.head(process)
      // The page itself says what is wrong with a process that is not known or not readable.
      if (head && lastNonce(head) <= after) {
        const now = clock.now()
        await newRecords.wait(process, after, Math.min(now + seconds * 1000, deadlineOf(c, now)))
      }
      return next()
    }
    if (params.has('from') || params.has('to')) {
      throw new SchedulerError('invalid-request', 'sort=DESC goes by nonces: use from-nonce and to-nonce.')
    }
    const query = parsePageQuery(params)
    const page = await openNewestFirst(reading, await readableHead(log, process), query)
    return c.body(new Uint8Array(await page.json()), 200, { 'content-type': 'application/json' })
  })

  routes.post('/heads', async (c) => {
    const processes = await readHeadsRequest(c.req.raw)
    const heads = await pMap(
      processes,
      async (process) => {
        await checkReadable(lists, process)
        const head = await log.head(process)
        return [process, head ? { nonce: lastNonce(head), timestamp: head.timestamp } : null] as const
      },
      { concurrency: HEADS_AT_ONCE },
    )
    return c.json(Object.fromEntries(heads))
  })

  return routes
}

function waitOf(params: URLSearchParams): { after: number; seconds: number } {
  const after = integer(params, 'from-nonce', 32)
  const seconds = integer(params, 'wait', 32)
  if (after === undefined || seconds === undefined) {
    throw new SchedulerError('invalid-request', 'wait needs from-nonce: the nonce after which a record is waited for.')
  }
  if (seconds < 1 || seconds > MAX_WAIT_S) {
    throw new SchedulerError('invalid-request', `wait is a number of seconds from 1 to ${MAX_WAIT_S}.`)
  }
  return { after, seconds }
}

const headsRequest = v.object({
  processes: v.pipe(v.array(v.pipe(v.string(), v.check(isId))), v.maxLength(100)),
})

/** 100 ids and JSON around them. */
const HEADS_REQUEST_BYTES = 10_000

/** The ids of `POST /heads`. Throws `invalid-request`. */
export async function readHeadsRequest(request: Request): Promise<readonly string[]> {
  const text = (await readBody(request, HEADS_REQUEST_BYTES)).toString()
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), headsRequest), text)
  if (parsed.success) return parsed.output.processes
  throw new SchedulerError('invalid-request', 'The body must be {"processes":[…]} with at most 100 ids of processes.')
}
