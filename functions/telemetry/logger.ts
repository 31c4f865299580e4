/** The log: JSON lines on standard output, written at once, since a Lambda may be frozen or ended after its answer. */
import { type DestinationStream, destination, type Logger, type LoggerOptions, pino } from 'pino'

export type { Logger }

export interface LogSettings {
  /** LOG_LEVEL */
  level: string
}

/** @param fields what every line says: which function it is */
export function createLogger(
  { level }: LogSettings,
  fields: Record<string, string>,
  stream?: DestinationStream,
): Logger {
  const options: LoggerOptions = {
    level,
    base: fields,
    messageKey: 'message',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: describeError },
    // Secrets are not logged anywhere on purpose; these are for the day when somebody logs too much.
    redact: { paths: secretPaths, censor: '[secret]' },
  }
  return pino(options, stream ?? destination({ dest: 1, sync: true }))
}

const secretNames = [
  'wallet',
  'jwk',
  'secret',
  'password',
  'authorization',
  'headers',
  'body',
  'raw',
  'env',
  'd',
  'p',
  'q',
]
const secretPaths = ['', '*.', '*.*.'].flatMap((prefix) => secretNames.map((name) => `${prefix}${name}`))

const MAX_CAUSES = 5
const MAX_MESSAGE = 500
/** User and password of any address. */
const credentials = /(\b[a-z][a-z\d+.-]*:\/\/)[^\s/@]*@/gi

/**
 * An error for the log: its kind, what it says, where, and what it was caused by. Nothing else of it: libraries hang whole
 * requests, rows and connection settings on their errors.
 */
export function describeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: clean(String(error)) }
  return {
    type: error.name,
    message: clean(error.message),
    ...('code' in error && typeof error.code === 'string' && { code: error.code }),
    // The first lines of a stack are the message again, uncut.
    ...(error.stack && {
      stack: error.stack
        .split('\n')
        .filter((line) => /^\s+at /.test(line))
        .join('\n'),
    }),
    ...(error.cause !== undefined && depth < MAX_CAUSES && { cause: describeError(error.cause, depth + 1) }),
  }
}

const clean = (message: string): string => message.slice(0, MAX_MESSAGE).replace(credentials, '$1[secret]@')
