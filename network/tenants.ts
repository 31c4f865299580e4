/** Which databases a unit has by the allow-list of `contract`, "Lists that are fetched": one for each `db_name`. */
import * as v from 'valibot'
import { SchedulerError } from '../core/errors.ts'
import { type Clock, systemClock } from '../core/ports/clock.ts'
import { FetchedList } from './fetched-list.ts'
import { canonicalUnit } from './process-list.ts'

export interface TenantsOptions {
  /** PROCESS_WHITELIST_URL */
  url: string
  clock?: Clock
  /** How long a read may take, ms. */
  deadlineMs?: number
}

const list = v.object({ sus: v.record(v.string(), v.object({ dbs: v.array(v.object({ db_name: v.string() })) })) })

/**
 * Names of the databases of that unit, each once. Fails with `invalid-request` where the list has none of it, and with `unavailable`.
 * @param unit its address; a trailing slash makes no difference
 */
export async function databasesOf(unit: string, { url, clock = systemClock, deadlineMs }: TenantsOptions) {
  const fetched = new FetchedList({
    name: 'The allow-list',
    url,
    maxAgeMs: 0,
    schema: list,
    clock,
    ...(deadlineMs !== undefined && { deadlineMs }),
  })
  const { sus } = await fetched.current()
  const wanted = canonicalUnit(unit)
  const own = Object.entries(sus).filter(([address]) => canonicalUnit(address) === wanted)
  const names = new Set(own.flatMap(([, { dbs }]) => dbs.map(({ db_name }) => db_name)))
  if (names.size > 0) return [...names]
  throw new SchedulerError('invalid-request', `The allow-list has no databases of ${unit}.`)
}
