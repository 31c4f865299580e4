/** Tells a failure that the content of a statement causes from an outage. */
import { SchedulerError } from '../../core/errors.ts'

/** Classes of SQLSTATE about what is written: data that a type does not take, an integrity rule, a limit (of an index row, for one). */
const ABOUT_CONTENT = /^(22|23|54)/

/** Postgres did not expect a thing. Neon's proxy reports its own trouble with the same code. */
const UNEXPECTED = 'XX000'

/** Whether the content of a statement made it fail. */
export function contentFailure(error: unknown): 'certain' | 'possible' | 'none' {
  const state = sqlState(error)
  if (state === UNEXPECTED) return 'possible'
  return state !== undefined && ABOUT_CONTENT.test(state) ? 'certain' : 'none'
}

/** SQLSTATE of a Postgres error, which drizzle wraps in its own. Undefined where Postgres did not answer. */
export function sqlState(error: unknown): string | undefined {
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    if ('code' in inner && typeof inner.code === 'string' && /^[0-9A-Z]{5}$/.test(inner.code)) return inner.code
  }
  return undefined
}

/**
 * Whether the same statement may succeed later: Postgres or the proxy in front of it did not answer, or reports a trouble that
 * passes (connection, transaction rolled back, out of resources, shutting down or starting up, unexpected).
 */
export function mayPass(error: unknown): boolean {
  const state = sqlState(error)
  return state === undefined || state === UNEXPECTED || /^(08|40|53|57)/.test(state)
}

export const unavailable = (cause: unknown): SchedulerError =>
  cause instanceof SchedulerError && cause.code === 'unavailable'
    ? cause
    : new SchedulerError('unavailable', 'The index of metadata does not answer.', { cause: brief(cause) })

/** Errors of drizzle carry the whole statement with all values: megabytes that do not belong in a log. Their cause has the reason. */
function brief(error: unknown): unknown {
  return error instanceof Error && error.name === 'DrizzleQueryError' && error.cause !== undefined ? error.cause : error
}
