/** Tells what Postgres has against a statement's content from an outage. */
import { SchedulerError } from '../../core/errors.ts'

/**
 * Classes of SQLSTATE that are about what was to be written: data that a type does not take, an integrity rule, a limit
 * (of an index row, for one). `XX000` is what Postgres says when it did not expect a thing; the rest of `XX` is corruption.
 */
const ABOUT_CONTENT = /^(22|23|54)|^XX000$/

export const refusesContent = (error: unknown): boolean => ABOUT_CONTENT.test(sqlState(error) ?? '')

/** The five characters of a Postgres error, which drizzle wraps in its own. Undefined where Postgres did not speak. */
export function sqlState(error: unknown): string | undefined {
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    if ('code' in inner && typeof inner.code === 'string' && /^[0-9A-Z]{5}$/.test(inner.code)) return inner.code
  }
  return undefined
}

/**
 * Where Postgres did not answer at all, or says that it could not just now: connection, transaction rolled back, out of resources,
 * shutting down or starting up. Anything else it would say again.
 */
export function mayPass(error: unknown): boolean {
  const state = sqlState(error)
  return state === undefined || /^(08|40|53|57)/.test(state)
}

export const unavailable = (cause: unknown): SchedulerError =>
  cause instanceof SchedulerError && cause.code === 'unavailable'
    ? cause
    : new SchedulerError('unavailable', 'The index of metadata does not answer.', { cause: brief(cause) })

/** drizzle's errors carry the whole statement with all values: megabytes that no log wants. What is underneath says why. */
function brief(error: unknown): unknown {
  return error instanceof Error && error.name === 'DrizzleQueryError' && error.cause !== undefined ? error.cause : error
}
