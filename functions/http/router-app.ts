/** The router over HTTP (contract, "Router"): says which unit has a process, or asks that unit itself. */
import type { Hono } from 'hono'
import { framed } from './frame.ts'
import { operationRoutes } from './operation-routes.ts'
import { routerAoCoreRoutes } from './router-ao-core-routes.ts'
import { createLeader } from './router-lead.ts'
import type { RouterParts } from './router-parts.ts'
import { routerReadRoutes } from './router-read-routes.ts'
import { routerWriteRoutes } from './router-write-routes.ts'

export function createRouterApp(parts: RouterParts): Hono {
  const lead = createLeader(parts)
  return framed(parts, [
    operationRoutes(parts),
    routerWriteRoutes(parts, lead),
    routerAoCoreRoutes(parts, lead),
    routerReadRoutes(parts, lead),
  ])
}
