/** The scheduler unit as a Lambda function behind a function URL, its answers streamed. */
import { parseSuConfig } from './config/functions.ts'
import { createApp } from './http/app.ts'
import { streamed } from './http/lambda.ts'
import { createLogger } from './telemetry/logger.ts'
import { createSuParts } from './wiring/su.ts'

const config = parseSuConfig(process.env)
const logger = createLogger(config.logging, { service: 'su' })
for (const notice of config.notices) logger.warn(notice)
const parts = createSuParts(config, logger)

export const handler = streamed(createApp(parts), parts.afterAnswer)
