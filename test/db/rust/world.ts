/** A real Postgres with what a Rust router or unit left in it. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import pg from 'pg'
import type { PlacedElsewhere } from '../../../core/ports/placement-source.ts'
import { startPostgres } from '../../../local/postgres/server.ts'
import type { SourceRows } from '../../suites/source-rows.ts'

/** SQL as pg_dump wrote it, with INSERTs. */
const dumpOf = (name: string) =>
  gunzipSync(readFileSync(new URL(`../../data/migration/${name}.sql.gz`, import.meta.url))).toString()

export type Dump = 'rust-router' | 'rust-su'

/** @param given address of a Postgres that is shared with others; otherwise one is started */
export async function startRustPostgres(given?: string) {
  const started = given === undefined ? await startPostgres() : undefined
  const server = { url: given ?? started?.url ?? '', stop: async () => started?.stop() }
  /** Names of its databases begin with this. */
  const prefix = `rust_${randomBytes(8).toString('hex')}_`
  let databases = 0
  const query = async (address: string, text: string, values: unknown[] = []) => {
    const client = new pg.Client({ connectionString: address })
    await client.connect()
    try {
      // Without values, several statements at once.
      return (await client.query(values.length > 0 ? { text, values } : text)).rows ?? []
    } finally {
      await client.end()
    }
  }
  const create = async (how: string): Promise<string> => {
    const name = `${prefix}${++databases}`
    await query(server.url, `create database ${name} ${how}`)
    return server.url.replace(/\/postgres$/, `/${name}`)
  }
  const restore = async (dump: Dump, locale?: string): Promise<string> => {
    const address = await create(
      locale === undefined ? '' : `template template0 locale_provider icu icu_locale '${locale}'`,
    )
    await query(address, dumpOf(dump))
    return address
  }
  /** Databases of a unit that are empty, by locale: to be copied, which is quicker than a dump. */
  const empty = new Map<string | undefined, Promise<string>>()
  const makeEmpty = async (locale: string | undefined): Promise<string> => {
    const address = await restore('rust-su', locale)
    // Without the constraints that keep its rows sound.
    await query(
      address,
      `delete from messages; delete from processes;
       alter table messages drop constraint messages_process_id_fkey, drop constraint messages_assignment_id_key`,
    )
    return new URL(address).pathname.slice(1)
  }
  return {
    url: server.url,
    query,
    /** A database of its own with the dump restored; gives its address. @param locale its order of text, ICU's; none: that of bytes */
    restore: (dump: Dump = 'rust-router', locale?: string) => restore(dump, locale),
    /** A database of its own with the tables of a unit, empty, without the constraints that keep its rows sound. */
    async emptyUnit(locale?: string): Promise<string> {
      const template = empty.get(locale) ?? makeEmpty(locale)
      empty.set(locale, template)
      return create(`template ${await template}`)
    },
    /** Ends all connections of readers, as a Postgres does that is started again. */
    async interrupt(): Promise<void> {
      const readers =
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ao-scheduler-unit'"
      await query(server.url, `${readers} and starts_with(datname, '${prefix}')`)
    },
    /** Whether a database takes connections from now on; those that are there stay. */
    async admit(address: string, all: boolean): Promise<void> {
      await query(server.url, `alter database ${new URL(address).pathname.slice(1)} allow_connections ${all}`)
    },
    /** What a damaged copy has lost: the constraints that keep rows sound. */
    async loosen(address: string): Promise<void> {
      await query(
        address,
        `alter table process_schedulers drop constraint process_schedulers_scheduler_row_id_fkey,
           drop constraint process_schedulers_process_id_key, alter column process_id drop not null`,
      )
    },
    /** Puts these in the place of all that is there. */
    async replace(address: string, rows: readonly PlacedElsewhere[]): Promise<void> {
      await query(address, 'delete from process_schedulers; delete from schedulers')
      const units = [...new Set(rows.flatMap(({ unit }) => unit ?? []))]
      await query(
        address,
        'insert into schedulers (row_id, url, process_count) select at, url, 0 from unnest($1::text[]) with ordinality as u (url, at)',
        [units],
      )
      await query(
        address,
        'insert into process_schedulers (row_id, process_id, scheduler_row_id) select * from unnest($1::int[], $2::text[], $3::int[])',
        [
          rows.map(({ row }) => row),
          rows.map(({ process }) => (process === '' ? null : process)),
          rows.map(({ unit }) => (unit === undefined ? 999 : units.indexOf(unit) + 1)),
        ],
      )
    },
    /** Adds to what a unit has. */
    async add(address: string, { messages = [], processes = [] }: Partial<SourceRows>): Promise<void> {
      await query(
        address,
        `insert into processes (row_id, process_id, process_data, epoch, nonce, "timestamp", hash_chain, bundle)
         select a, b, '{}', c, d, e, f, g from unnest($1::int[], $2::text[], $3::int[], $4::int[], $5::int8[], $6::text[], $7::bytea[])
         as added (a, b, c, d, e, f, g)`,
        columns(processes, ['row', 'process', 'epoch', 'nonce', 'timestamp', 'hashChain', 'bundle']),
      )
      await query(
        address,
        `insert into messages
           (row_id, process_id, message_id, assignment_id, message_data, epoch, nonce, "timestamp", hash_chain, bundle)
         select a, b, c, d, '{}', e, f, g, h, i from
         unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[], $7::int8[], $8::text[], $9::bytea[])
         as added (a, b, c, d, e, f, g, h, i)`,
        columns(messages, [
          'row',
          'process',
          'message',
          'assignment',
          'epoch',
          'nonce',
          'timestamp',
          'hashChain',
          'bundle',
        ]),
      )
    },
    stop: () => server.stop(),
  }
}

const columns = <T>(rows: readonly T[], names: readonly (keyof T)[]) =>
  names.map((name) => rows.map((row) => row[name] ?? null))

export type RustPostgres = Awaited<ReturnType<typeof startRustPostgres>>
