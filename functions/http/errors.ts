/** Errors as answers: each code has one status, and nothing of what is inside is shown. */
import type { Context, ErrorHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Logger } from 'pino'
import { type ErrorCode, SchedulerError } from '../../core/errors.ts'

/** The status of each code. */
export const statuses = {
  'invalid-item': 400,
  'invalid-request': 400,
  'invalid-message': 400,
  // As the reference answers: only a route that does not exist is 404.
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
} as const satisfies Record<ErrorCode, ContentfulStatusCode>

/** When to ask again where the error does not say, seconds. What only an operator ends takes longer than an outage. */
const retryAfter: Partial<Record<ErrorCode, number>> = {
  frozen: 60,
  incomplete: 60,
  'foreign-log': 60,
  unavailable: 2,
  'too-many-waiting': 1,
}

/** What a client sees: `{"error","code"}`, and of what is scheduled already its `id`, `nonce` and `timestamp`. */
export interface ErrorBody {
  error: string
  code: ErrorCode | 'internal' | 'no-such-route'
  id?: string
  nonce?: number
  timestamp?: number
  available?: readonly string[]
}

/** For `app.onError`. What is the unit's fault is logged with its causes, by the request's own logger if there is one. */
export const createErrorHandler =
  ({ logger }: { logger: Logger }): ErrorHandler =>
  (error, c) => {
    const log = c.get('log') ?? logger
    if (error instanceof SchedulerError) return refusal(c, error, log)
    if (error instanceof HTTPException && error.status < 500) {
      return answer(c, error.status, {
        error: error.message || 'The request cannot be served',
        code: 'invalid-request',
      })
    }
    log.error({ err: error }, 'a bug: this error is expected nowhere')
    return answer(c, 500, { error: 'Something went wrong in the scheduler unit', code: 'internal' })
  }

function refusal(c: Context, error: SchedulerError, log: Logger): Response {
  const { code, message, details } = error
  const status = statuses[code]
  if (status === 503 || status === 429) {
    c.header('retry-after', `${Math.max(1, Math.ceil(details.retryAfter ?? retryAfter[code] ?? 2))}`)
    log.warn({ err: error }, 'not served')
  }
  const { id = details.place?.assignment, place, available } = details
  return answer(c, status, {
    error: message,
    code,
    ...(id !== undefined && { id }),
    ...(place && { nonce: place.nonce, timestamp: place.timestamp }),
    ...(available && { available }),
  })
}

/** For `app.notFound`. */
export const notFound = (c: Context): Response =>
  answer(c, 404, { error: 'There is no such route', code: 'no-such-route' })

/** For everything that no route takes: a method that no route has at all is told from a path that is unknown. */
export function methodNotAllowed(c: Context): Response {
  if (['GET', 'HEAD', 'POST'].includes(c.req.method)) return notFound(c)
  c.header('allow', 'GET, HEAD, POST, OPTIONS')
  return answer(c, 405, { error: 'There is no route with this method', code: 'no-such-route' })
}

function answer(c: Context, status: ContentfulStatusCode, body: ErrorBody): Response {
  c.header('cache-control', 'no-store')
  return c.json(body, status)
}
