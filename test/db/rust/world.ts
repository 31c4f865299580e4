/** A real Postgres with what a Rust router left in it. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import pg from 'pg'
import type { PlacedElsewhere } from '../../../core/ports/placement-source.ts'
import { startPostgres } from '../../../local/postgres/server.ts'

/** SQL as pg_dump wrote it, with INSERTs. */
const dump = gunzipSync(readFileSync(new URL('../../data/migration/rust-router.sql.gz', import.meta.url))).toString()

export async function startRustPostgres() {
  const server = await startPostgres()
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
  return {
    url: server.url,
    query,
    /** A database of its own with the dump restored; gives its address. */
    async restore(): Promise<string> {
      const name = `router_${++databases}`
      await query(server.url, `create database ${name}`)
      const address = server.url.replace(/\/postgres$/, `/${name}`)
      await query(address, dump)
      return address
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
    stop: () => server.stop(),
  }
}

export type RustPostgres = Awaited<ReturnType<typeof startRustPostgres>>
