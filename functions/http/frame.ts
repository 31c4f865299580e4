/** What unit and router have in common over HTTP: the log, the one way in, CORS, what nobody may keep, and errors as JSON. */
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { getPath } from 'hono/utils/url'
import type { Logger } from 'pino'
import { readAoCorePath } from './ao-core-path.ts'
import type { CallerSecrets } from './caller.ts'
import { createErrorHandler, methodNotAllowed, notFound } from './errors.ts'
import { requestLog } from './request-log.ts'
import { throughCdnOnly } from './way-in.ts'

/** An app of these routes; what none of them takes is 404 or 405. */
export function framed(
  parts: { logger: Logger; aoCore: boolean } & Pick<CallerSecrets, 'cdnSecrets'>,
  routes: readonly Hono[],
): Hono {
  // The many forms of an AO-Core path lead to one route each.
  const app = parts.aoCore
    ? new Hono({ getPath: (request) => readAoCorePath(request.url)?.route ?? getPath(request) })
    : new Hono()
  app.use(requestLog(parts))
  app.use(throughCdnOnly(parts))
  // Any origin, method and header (contract, "Routes"), and any header of an answer: `Retry-After` is for browsers too.
  const crossOrigin = cors({ origin: '*', allowMethods: ['*'], exposeHeaders: ['*'], maxAge: 86_400 })
  app.use(async (c, next) => {
    const preflight = await crossOrigin(c, next)
    // Its 204 has no body, which AWS does not stream (`lambda.ts`).
    return preflight && new Response('\n', { headers: preflight.headers })
  })
  app.use(async (c, next) => {
    await next()
    // Nothing is kept by anybody that does not say so.
    if (!c.res.headers.has('cache-control')) c.header('cache-control', 'no-store')
  })
  for (const group of routes) app.route('/', group)
  app.all('*', methodNotAllowed)
  app.notFound(notFound)
  app.onError(createErrorHandler(parts))
  return app
}
