/** What a Rust router has placed, out of its Postgres (tables `schedulers`, `process_schedulers`): adapter of `PlacementSource`. */
import pg from 'pg'
import type { PlacedElsewhere, PlacementSource } from '../../core/ports/placement-source.ts'
import { refusal } from './refusal.ts'

export interface RustRouterOptions {
  /** `postgresql://…`, a secret. How the connection is secured is said in it: `sslmode`, `sslrootcert`. */
  address: string
  /** Rows that are read at once. */
  batchRows?: number
}

export interface RustRouterSource extends PlacementSource {
  close(): Promise<void>
}

const BATCH_ROWS = 500
const CONNECT_MS = 10_000
/** One batch by the primary key: what takes longer will not come. */
const QUERY_MS = 30_000

/**
 * The next rows by the primary key, so that each batch costs the same wherever it begins. Outer join and coalesce: in a
 * damaged copy, which may have lost its constraints, a row must show itself.
 */
const NEXT = `
  select placed.row_id as "row", coalesce(placed.process_id, '') as process, unit.url as unit
  from process_schedulers placed left join schedulers unit on unit.row_id = placed.scheduler_row_id
  where placed.row_id > $1 order by placed.row_id limit $2`

interface Row {
  row: number
  process: string
  unit: string | null
}

/** Connects when the first rows are asked for. Nothing that it fails with shows the address. */
export function openRustRouter({ address, batchRows = BATCH_ROWS }: RustRouterOptions): RustRouterSource {
  let client: pg.Client | undefined
  const close = async (): Promise<void> => {
    const closing = client
    client = undefined
    // One that is broken already needs no end.
    await closing?.end().catch(() => undefined)
  }
  const next = async (row: number): Promise<Row[]> => {
    try {
      client ??= await connect(address)
      return (await client.query<Row>(NEXT, [row, batchRows])).rows
    } catch (error) {
      // Who asks again gets a new connection.
      await close()
      throw refusal(error)
    }
  }
  return {
    async *after(row) {
      for (let last = row; ; ) {
        const rows = await next(last)
        const end = rows.at(-1)
        if (end === undefined) return
        yield rows.map(placedElsewhere)
        last = end.row
      }
    },
    close,
  }
}

const placedElsewhere = ({ row, process, unit }: Row): PlacedElsewhere => ({ row, process, unit: unit ?? undefined })

async function connect(address: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: address,
    application_name: 'ao-scheduler-unit',
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
    keepAlive: true,
  })
  // A connection that breaks between two queries: the next query says so.
  client.on('error', () => undefined)
  await client.connect()
  return client
}
