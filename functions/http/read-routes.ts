/** `GET` of processes, records and schedules. */
import { type Context, Hono } from 'hono'
import { isId } from '../../core/ans104/base64url.ts'
import { hasCode } from '../../core/errors.ts'
import { find } from '../../core/read/find.ts'
import { foreseePage } from '../../core/read/foresee.ts'
import { latestBytes } from '../../core/read/latest.ts'
import { openPage, type Page } from '../../core/read/page.ts'
import { readProcessText } from '../../core/read/process.ts'
import { type PageForm, type PageQuery, parsePageForm, parsePageQuery } from '../../core/read/query.ts'
import { recordBytes } from '../../core/read/record-text.ts'
import { openSettledPage } from '../../core/read/settled-page.ts'
import { checkReadable } from '../../core/schedule/access.ts'
import { entityTag, isKnown, keptForGood } from './caching.ts'
import { pageBytesSent } from './page-garbage.ts'
import type { AppParts } from './parts.ts'
import { sendBytes } from './sending.ts'

const types = { json: 'application/json', bundle: 'application/octet-stream' } as const

export function readRoutes({ scheduler: { lists, identity }, reading }: AppParts): Hono {
  const routes = new Hono()

  /**
   * The entity tag of an immutable answer. None where an allow-list rules, since the list may change, nor while the log's
   * generation is unknown: a restored log may lack what was served before.
   */
  const tagOf = async (immutable: boolean, parts: () => (string | number)[]): Promise<string | undefined> => {
    if (!immutable || lists.restricted) return undefined
    const generation = await identity.generation()
    return generation === undefined ? undefined : entityTag(generation, parts())
  }

  routes.get('/processes/:process', async (c) => {
    const process = c.req.param('process')
    about(c, process)
    await checkReadable(lists, process)
    const [text, tag] = await Promise.all([readProcessText(reading, process), tagOf(true, () => ['process', process])])
    return answer(c, text, tag)
  })

  routes.get('/:process/latest', async (c) => {
    const process = c.req.param('process')
    about(c, process)
    await checkReadable(lists, process)
    return sendRecord(c, () => latestBytes(reading, process), undefined)
  })

  routes.get('/:id', async (c) => {
    const id = c.req.param('id')
    const { searchParams } = new URL(c.req.url)
    const named = searchParams.get('process-id') || searchParams.get('proc-id') || undefined
    const isSeen = reading.memory.head(id) !== undefined
    // Read while the answer is prepared.
    if (isId(id)) identity.generation().catch(() => undefined)
    if (named === id || isSeen) foresee(id, searchParams)
    const settled = isSeen ? await settledSchedule(c, id, searchParams) : undefined
    if (settled) return settled
    const found = await find(reading, id, named).catch(async (error) => {
      // Where nothing is found, the allow-list judges what was asked for, before it is said that it is not there.
      if (hasCode(error, 'not-found')) await checkReadable(lists, named ?? id)
      throw error
    })
    // What counts is the process whose records are served, whatever process-id says.
    const process = found.kind === 'schedule' ? found.head.process : found.record.process
    about(c, process)
    await checkReadable(lists, process)
    if (found.kind === 'schedule') {
      const asked = askedOf(c, searchParams)
      return schedule(c, process, asked, await openPage(reading, found.head, asked.query, asked.reads))
    }
    const { record, immutable } = found
    const tag = await tagOf(immutable, () => ['record', process, record.nonce])
    if (tag !== undefined && isKnown(c, tag)) return notModified(c, tag)
    return sendRecord(c, () => recordBytes(reading, record), tag)
  })

  /** What is wrong with the query is said when it is known that there is such a process. */
  function foresee(process: string, params: URLSearchParams): void {
    try {
      if (isId(process)) foreseePage(reading, process, parsePageQuery(params))
    } catch (error) {
      if (!hasCode(error, 'invalid-request')) throw error
    }
  }

  /** Of a process that this instance knows: a page that can never change needs no question to the log. */
  async function settledSchedule(c: Context, process: string, params: URLSearchParams): Promise<Response | undefined> {
    about(c, process)
    await checkReadable(lists, process)
    const asked = askedOf(c, params)
    const page = await openSettledPage(reading, process, asked.query, asked.reads)
    return page && schedule(c, process, asked, page)
  }

  async function schedule(c: Context, process: string, { query, form }: Asked, page: Page): Promise<Response> {
    const tag = await tagOf(page.immutable, () => pageName(process, form, query, page))
    if (tag !== undefined && isKnown(c, tag)) return notModified(c, tag)
    const headers = {
      'content-type': types[form],
      ...(form === 'bundle' && besideBundle(page)),
      ...(tag !== undefined && keptForGood(tag)),
    }
    if (c.req.method === 'HEAD') return c.body(null, 200, headers)
    const bytes = collected(form === 'json' ? await page.json() : await page.bundle())
    return sendBytes(c, bytes, { headers: new Headers(headers), onCutOff: 'a page was cut off' })
  }

  return routes
}

interface Asked {
  query: PageQuery
  form: PageForm
  /** What will be read; nothing for a HEAD. */
  reads: PageForm | undefined
}

/** Throws `invalid-request`. */
function askedOf(c: Context, params: URLSearchParams): Asked {
  const form = parsePageForm(params)
  return { query: parsePageQuery(params), form, reads: c.req.method === 'GET' ? form : undefined }
}

/** All that the page's bytes depend on. */
const pageName = (process: string, form: PageForm, { by, showAnchor }: PageQuery, { nonces, hasNextPage }: Page) => [
  form,
  process,
  nonces ? `${nonces.first}-${nonces.last}` : 'empty',
  hasNextPage ? 'more' : 'all',
  by,
  ...(showAnchor ? ['anchors'] : []),
]

/** What the JSON form says beside the records. */
const besideBundle = ({ hasNextPage, lastCursor }: Page) => ({
  'x-has-next-page': String(hasNextPage),
  ...(lastCursor !== undefined && { 'x-last-cursor': String(lastCursor) }),
})

/** @param tag undefined where the answer may change */
function answer(c: Context, text: string, tag: string | undefined): Response {
  if (tag !== undefined && isKnown(c, tag)) return notModified(c, tag)
  const kept = tag !== undefined && { ...keptForGood(tag), 'content-length': String(Buffer.byteLength(text)) }
  return c.body(text, 200, { 'content-type': types.json, ...kept })
}

/** The same of a record, which may be large. */
async function sendRecord(
  c: Context,
  read: () => Promise<AsyncIterable<Buffer>>,
  tag: string | undefined,
): Promise<Response> {
  const headers = new Headers({ 'content-type': types.json, ...(tag !== undefined && keptForGood(tag)) })
  const bytes = await read()
  return sendBytes(c, collected(bytes), { headers, onCutOff: 'a record was cut off' })
}

const notModified = (c: Context, tag: string): Response => c.body(null, 304, keptForGood(tag))

/** The pieces as they are. What they were made of is collected as they are taken (`page-garbage.ts`). */
async function* collected(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of bytes) {
    yield piece
    pageBytesSent(piece.length)
  }
}

/** Which process a request is about, for the log; a path may hold anything. */
function about(c: Context, process: string): void {
  if (isId(process)) c.set('process', process)
}
