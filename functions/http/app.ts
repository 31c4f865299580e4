/** The scheduler unit over HTTP: every route of the contract, each a few lines that ask the core. */
import type { Hono } from 'hono'
import { aoCoreRoutesOf } from './ao-core-routes.ts'
import { framed } from './frame.ts'
import { nonceRoutes } from './nonce-routes.ts'
import { operationRoutes } from './operation-routes.ts'
import type { AppParts } from './parts.ts'
import { readRoutes } from './read-routes.ts'
import { statusRoutes } from './status-routes.ts'
import { writeRoutes } from './write-routes.ts'

export const createApp = (parts: AppParts): Hono =>
  framed(parts, [
    statusRoutes(parts),
    operationRoutes(parts),
    writeRoutes(parts),
    ...(parts.aoCore ? [aoCoreRoutesOf(parts)] : []),
    nonceRoutes(parts),
    readRoutes(parts),
  ])
