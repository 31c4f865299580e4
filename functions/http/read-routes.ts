/** `GET` of processes, records and schedules. */
import { type Context, Hono } from 'hono'
import { isId } from '../../core/ans104/base64url.ts'
import { hasCode } from '../../core/errors.ts'
import type { Head } from '../../core/log/record.ts'
import { find } from '../../core/read/find.ts'
import { latestText } from '../../core/read/latest.ts'
import { openPage } from '../../core/read/page.ts'
import { readProcessText } from '../../core/read/process.ts'
import { parsePageQuery } from '../../core/read/query.ts'
import { recordText } from '../../core/read/record-text.ts'
import { checkReadable } from '../../core/schedule/access.ts'
import type { AppParts } from './parts.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

export function readRoutes({ scheduler: { lists }, reading }: AppParts): Hono {
  const routes = new Hono()

  routes.get('/processes/:process', async (c) => {
    const process = c.req.param('process')
    about(c, process)
    await checkReadable(lists, process)
    return c.body(await readProcessText(reading, process), 200, JSON_TYPE)
  })

  routes.get('/:process/latest', async (c) => {
    const process = c.req.param('process')
    about(c, process)
    await checkReadable(lists, process)
    return c.body(await latestText(reading, process), 200, JSON_TYPE)
  })

  routes.get('/:id', async (c) => {
    const id = c.req.param('id')
    const { searchParams } = new URL(c.req.url)
    const named = searchParams.get('process-id') || searchParams.get('proc-id') || undefined
    const found = await find(reading, id, named).catch(async (error) => {
      // Where nothing is found, the allow-list judges what was asked for, before it is said that it is not there.
      if (hasCode(error, 'not-found')) await checkReadable(lists, named ?? id)
      throw error
    })
    // What counts is the process whose records are served, whatever process-id says.
    const process = found.kind === 'schedule' ? found.head.process : found.record.process
    about(c, process)
    await checkReadable(lists, process)
    if (found.kind === 'schedule') return schedule(c, found.head, searchParams)
    return c.body(await recordText(reading, found.record), 200, JSON_TYPE)
  })

  async function schedule(c: Context, head: Head, params: URLSearchParams): Promise<Response> {
    const page = await openPage(reading, head, parsePageQuery(params))
    const encoder = new TextEncoder()
    const bytes = async function* () {
      try {
        for await (const piece of page.text) yield encoder.encode(piece)
      } catch (error) {
        // The head has gone out as 200: the reader sees the body break off, and this is where an operator sees why.
        c.get('log')?.warn({ err: error }, 'a page was cut off')
        throw error
      }
    }
    return c.body(ReadableStream.from(bytes()) as ReadableStream, 200, JSON_TYPE)
  }

  return routes
}

/** Which process a request is about, for the log; a path may hold anything. */
function about(c: Context, process: string): void {
  if (isId(process)) c.set('process', process)
}
