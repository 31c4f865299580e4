import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { HTTPException } from 'hono/http-exception'
import { describe, expect, it } from 'vitest'
import { type ErrorCode, SchedulerError } from '../../../core/errors.ts'
import { createErrorHandler, methodNotAllowed, notFound } from '../../../functions/http/errors.ts'
import { createLogger } from '../../../functions/telemetry/logger.ts'

const place = { assignment: 'A'.repeat(43), nonce: 7, timestamp: 1_700_000_000_000 }

/** An app whose only route fails like this, and what it logs. */
function failing(error: unknown) {
  const lines: string[] = []
  const logger = createLogger({ level: 'info' }, { function: 'su' }, { write: (line) => lines.push(line) })
  const app = new Hono()
  app.use(cors({ origin: '*' }))
  app.get('/', () => {
    throw error
  })
  app.all('*', methodNotAllowed)
  app.notFound(notFound)
  app.onError(createErrorHandler({ logger }))
  return { app, lines }
}

const answerTo = async (error: unknown) => {
  const { app, lines } = failing(error)
  const response = await app.request('/')
  return { status: response.status, headers: response.headers, body: await response.json(), lines }
}

describe('an error', () => {
  const statuses: Record<ErrorCode, number> = {
    'invalid-item': 400,
    'invalid-request': 400,
    'invalid-message': 400,
    'not-found': 400,
    'process-mismatch': 400,
    'ans104-only': 422,
    'no-such-form': 406,
    'scheduler-only': 404,
    'too-many-waiting': 429,
    'already-scheduled': 400,
    'deep-hash-known': 400,
    'message-too-large': 400,
    unreadable: 400,
    'body-too-large': 413,
    'unsupported-encoding': 415,
    'unsupported-media-type': 415,
    forbidden: 403,
    frozen: 503,
    incomplete: 503,
    'foreign-log': 503,
    unavailable: 503,
  }

  it.each(Object.entries(statuses))(
    '%s is %i, with its sentence and code, never kept by a cache',
    async (code, status) => {
      const answer = await answerTo(new SchedulerError(code as ErrorCode, 'It is so.'))
      expect(answer.status).toBe(status)
      expect(answer.body).toEqual({ error: 'It is so.', code })
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.headers.get('access-control-allow-origin')).toBe('*')
      if (status === 503 || status === 429) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
      else expect(answer.headers.get('retry-after')).toBeNull()
    },
  )

  it('says when to ask again, in whole seconds', async () => {
    for (const [retryAfter, header] of [
      [17, '17'],
      [0.2, '1'],
      [0, '1'],
    ] as const) {
      const answer = await answerTo(new SchedulerError('unavailable', 'Later.', { retryAfter }))
      expect(answer.headers.get('retry-after')).toBe(header)
    }
  })

  it('names what is scheduled already', async () => {
    const id = 'M'.repeat(43)
    const scheduled = await answerTo(new SchedulerError('already-scheduled', 'It is there.', { id, place }))
    expect(scheduled.body).toEqual({
      error: 'It is there.',
      code: 'already-scheduled',
      id,
      nonce: 7,
      timestamp: place.timestamp,
    })
    const known = await answerTo(new SchedulerError('deep-hash-known', 'It is there.', { place }))
    expect(known.body).toMatchObject({ id: place.assignment, nonce: 7, timestamp: place.timestamp })
  })

  it('does not show its cause, and logs it where the unit is at fault', async () => {
    const cause = new Error('connect ECONNREFUSED 10.1.2.3:8000', { cause: new Error('deeper') })
    const answer = await answerTo(new SchedulerError('unavailable', 'The store does not answer.', { cause }))
    expect(JSON.stringify(answer.body)).not.toContain('10.1.2.3')
    expect(answer.lines.join()).toContain('10.1.2.3')
    expect(answer.lines.join()).toContain('deeper')
    const refused = await answerTo(new SchedulerError('invalid-item', 'No item.', { cause }))
    expect(refused.lines).toEqual([])
  })

  it.each([
    ['an Error', new Error('secret detail at /home/unit/wallet.json')],
    ['a TypeError', new TypeError('secret detail')],
    [
      'an object of the SDK',
      Object.assign(new Error('secret detail'), { $metadata: { requestId: 'x' }, Item: { raw: 'secret' } }),
    ],
  ])('that nobody expected says nothing of itself: %s', async (_, error) => {
    const answer = await answerTo(error)
    expect(answer.status).toBe(500)
    expect(answer.body).toEqual({ error: 'Something went wrong in the scheduler unit', code: 'internal' })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.lines).toHaveLength(1)
    expect(JSON.parse(answer.lines[0] ?? '')).toMatchObject({
      level: 'error',
      err: { stack: expect.stringContaining('at ') },
    })
  })

  it('of the framework keeps its status if it is the client’s', async () => {
    expect((await answerTo(new HTTPException(400, { message: 'Malformed' }))).body).toMatchObject({
      error: 'Malformed',
    })
    expect((await answerTo(new HTTPException(502, { message: 'secret' }))).body).toMatchObject({ code: 'internal' })
  })
})

describe('what no route takes', () => {
  it('is JSON too', async () => {
    const { app } = failing(new Error())
    for (const [method, path, status] of [
      ['GET', '/a/b/c', 404],
      ['POST', '/nowhere', 404],
      ['PUT', '/', 405],
      ['DELETE', '/', 405],
      ['PATCH', '/a', 405],
    ] as const) {
      const response = await app.request(path, { method })
      expect(response.status).toBe(status)
      expect(await response.json()).toMatchObject({ error: expect.stringMatching(/./), code: 'no-such-route' })
      expect(response.headers.get('cache-control')).toBe('no-store')
    }
  })
})
