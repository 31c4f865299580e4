/** What a Rust router has placed, out of its Postgres (tables `schedulers`, `process_schedulers`): adapter of `PlacementSource`. */
import type { PlacedElsewhere, PlacementSource } from '../../core/ports/placement-source.ts'
import { openRustDatabase } from './client.ts'

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
/** One batch by the primary key: what takes longer will not come. */
const STATEMENT_MS = 30_000

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
  const database = openRustDatabase({ address, connections: 1, statementMs: STATEMENT_MS })
  return {
    async *after(row) {
      for (let last = row; ; ) {
        const rows = await database.query<Row>(NEXT, [last, batchRows])
        const end = rows.at(-1)
        if (end === undefined) return
        yield rows.map(placedElsewhere)
        last = end.row
      }
    },
    close: database.close,
  }
}

const placedElsewhere = ({ row, process, unit }: Row): PlacedElsewhere => ({ row, process, unit: unit ?? undefined })
