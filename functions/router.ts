/** The router as a Lambda function behind a function URL: what it passes on is streamed. */
import { parseRouterConfig } from './config/functions.ts'
import { streamed } from './http/lambda.ts'
import { createRouterApp } from './http/router-app.ts'
import { createLogger } from './telemetry/logger.ts'
import { createRouterParts } from './wiring/router.ts'

const config = parseRouterConfig(process.env)
const logger = createLogger(config.logging, { service: 'router' })
for (const notice of config.notices) logger.warn(notice)
const parts = createRouterParts(config, logger)

export const handler = streamed(createRouterApp(parts), parts.afterAnswer)
