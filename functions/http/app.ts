/** The scheduler unit over HTTP: every route of the contract, each a few lines that ask the core. */
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { createErrorHandler, methodNotAllowed, notFound } from './errors.ts'
import type { AppParts } from './parts.ts'
import { readRoutes } from './read-routes.ts'
import { requestLog } from './request-log.ts'
import { statusRoutes } from './status-routes.ts'
import { writeRoutes } from './write-routes.ts'

export function createApp(parts: AppParts): Hono {
  const app = new Hono()
  // Any origin, method and header (contract, "Routes"), and any header of an answer: `Retry-After` is for browsers too.
  app.use(cors({ origin: '*', allowMethods: ['*'], exposeHeaders: ['*'], maxAge: 86_400 }))
  app.use(requestLog(parts))
  app.use(async (c, next) => {
    await next()
    // Nothing is kept by anybody that does not say so.
    if (!c.res.headers.has('cache-control')) c.header('cache-control', 'no-store')
  })
  app.route('/', statusRoutes(parts))
  app.route('/', writeRoutes(parts))
  app.route('/', readRoutes(parts))
  app.all('*', methodNotAllowed)
  app.notFound(notFound)
  app.onError(createErrorHandler(parts))
  return app
}
