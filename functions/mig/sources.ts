/**
 * Where a Rust unit's messages are: one Postgres, or, of a unit with an allow-list, a database for each `db_name` of it
 * (contract, "Lists that are fetched").
 */
import { SchedulerError } from '../../core/errors.ts'
import { isEverything } from '../../core/migration/range.ts'
import type { RowRange } from '../../core/ports/migration-source.ts'
import { databaseAddress } from '../../db/rust/database-address.ts'
import { Secret } from '../config/secret.ts'

/** What an operator says of it. */
export interface SourceOrder {
  /** Its address, or where several databases are named what their addresses have in common. */
  from: Secret | undefined
  /** Their names. */
  databases: readonly string[] | undefined
  /** The old unit's address: the databases are those that the allow-list gives it. */
  tenantsOf: string | undefined
}

/** What is said in the environment. */
export interface KnownSources {
  /** MIGRATION_SOURCE_URL */
  url: Secret | undefined
  /** MULTI_TENANT_BASE_CONN */
  base: Secret | undefined
  /** Names of a unit's databases by the allow-list. Fails with `invalid-request` where there is no such list, or none of that unit. */
  databasesOf(unit: string): Promise<readonly string[]>
}

export interface NamedSource {
  /** Undefined where it is the only one. */
  database: string | undefined
  address: Secret
}

/** In the order in which they are brought in. Fails with `invalid-request`. */
export async function sourcesOf(
  { from, databases, tenantsOf }: SourceOrder,
  rows: RowRange,
  known: KnownSources,
): Promise<NamedSource[]> {
  if (databases === undefined && tenantsOf === undefined) {
    const address = from ?? known.url
    if (address) return [{ database: undefined, address }]
    throw wrong('It is not said where the messages are: set MIGRATION_SOURCE_URL, or give the address.')
  }
  const base = from ?? known.url ?? known.base
  if (base === undefined) {
    throw wrong(
      'It is not said where the databases are: set MIGRATION_SOURCE_URL or MULTI_TENANT_BASE_CONN, or give the address.',
    )
  }
  // An order that is the same the next time, whatever the list has then: a cursor says in which it is.
  const names = databases ?? (await known.databasesOf(tenantsOf ?? '')).toSorted()
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw wrong(`The database ${twice} is named twice.`)
  if (names.length > 1 && !isEverything(rows)) {
    throw wrong('Each database counts its own rows: of several, all rows are brought in (0), or name one of them.')
  }
  return names.map((database) => ({ database, address: new Secret(databaseAddress(base.reveal(), database)) }))
}

const wrong = (sentence: string) => new SchedulerError('invalid-request', sentence)
