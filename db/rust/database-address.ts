/** The databases of an allow-listed Rust unit: one for each `db_name` of its list, at one base address. */
import { SchedulerError } from '../../core/errors.ts'

/** What comes before the database, and what comes after it. */
const PARTS = /^(postgres(?:ql)?:\/\/[^/?#]*)[^?#]*(\?[^#]*)?$/

/**
 * MULTI_TENANT_BASE_CONN and a `db_name`, joined as the Rust unit does (`base/name`), but also where the base ends in a slash, names a
 * database (another one takes its place) or has settings (`?sslmode=…`, which stay). Nothing else of the base is changed. Fails with
 * `invalid-request`, which does not show it.
 */
export function databaseAddress(base: string, name: string): string {
  const [, server, settings = ''] = PARTS.exec(base) ?? []
  if (server === undefined) {
    throw new SchedulerError('invalid-request', 'The base of the addresses must begin with postgresql://.')
  }
  if (name === '') throw new SchedulerError('invalid-request', 'A database of the source has no name.')
  // As the driver reads it: everything but these two stands for itself.
  return `${server}/${encodeURI(name).replace(/[?#]/g, encodeURIComponent)}${settings}`
}
