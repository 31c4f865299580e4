/** One line in the log for each request, and a logger for what happens on its way. */
import { randomUUID } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { Logger } from 'pino'
import { isId } from '../../core/ans104/base64url.ts'
import { SchedulerError } from '../../core/errors.ts'
import { invocationId } from './platform.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** Logs with the request's id. */
    log: Logger | undefined
    /** The process that the request turned out to be about. */
    process: string | undefined
  }
}

/** The request's id goes into the answer too, as `x-request-id`. Neither headers nor bodies nor queries are logged. */
export const requestLog =
  ({ logger }: { logger: Logger }): MiddlewareHandler =>
  async (c, next) => {
    const begin = performance.now()
    const requestId = invocationId(c.env) ?? randomUUID()
    const log = logger.child({ requestId })
    c.set('log', log)
    await next()
    c.header('x-request-id', requestId)
    const asked = c.req.query('process-id')
    const process = c.get('process') ?? (asked !== undefined && isId(asked) ? asked : undefined)
    // A path may hold anything; the pattern that it matched holds nothing of the caller's.
    const route = matchedRoutes(c).find(({ path }) => !path.endsWith('*'))?.path ?? 'none'
    const line = {
      method: c.req.method,
      route,
      status: c.res.status,
      ms: Math.round(performance.now() - begin),
      ...(process !== undefined && { process }),
      ...(c.error instanceof SchedulerError && { code: c.error.code }),
    }
    // What is asked all the time, or in advance of another request, and is well.
    const isNoise = route === '/health' || c.req.method === 'OPTIONS'
    log[isNoise && c.res.ok ? 'debug' : 'info'](line, 'request')
  }
