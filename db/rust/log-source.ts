/** What a Rust scheduler unit has, out of its Postgres (tables `messages`, `processes`): adapter of `MigrationSource`. */
import type { Options } from 'p-retry'
import type {
  Extent,
  Irregularity,
  MigrationSource,
  RowRange,
  SourceMessage,
  SourceProcess,
} from '../../core/ports/migration-source.ts'
import { openRustDatabase } from './client.ts'
import * as sql from './log-queries.ts'

export interface RustLogOptions {
  /** `postgresql://…`, a secret. How the connection is secured is said in it: `sslmode`, `sslrootcert`. */
  address: string
  /** Messages, and ids of processes, that are given at once: MIGRATION_BATCH_SIZE. */
  batchRows?: number
  /** Bytes of bundles that are given at once; a larger one comes by itself. */
  batchBytes?: number
  /** As many questions are answered at once. */
  connections?: number
  /** How long a question is asked again that broke off. */
  patience?: Options
}

export interface RustLogSource extends MigrationSource {
  close(): Promise<void>
}

const BATCH_ROWS = 1_000
const BATCH_BYTES = 8_000_000
const CONNECTIONS = 8
/** Counting, or looking for all processes, goes through a whole table: minutes, where nothing of it was in memory. */
const STATEMENT_MS = 600_000
/** Half a minute: a Postgres that is started again, or whose stand-in takes over. What took longer is not begun again. */
const PATIENCE: Options = { retries: 8, minTimeout: 200, maxTimeout: 10_000, maxRetryTime: 60_000, randomize: true }
/** Ids are short, and asking for them costs a pass through the range: so many batches of them at once. */
const BATCHES_OF_IDS = 50
/** Below every row. */
const NO_ROW = -1

/**
 * Connects when something is asked for; whatever breaks off is asked again where it stood. Nothing is kept at the source between
 * two batches. Nothing that it fails with shows the address. Numbers are exact up to 2^53, above which no unit has signed any.
 */
export function openRustLog(options: RustLogOptions): RustLogSource {
  const { address, batchRows = BATCH_ROWS, batchBytes = BATCH_BYTES } = options
  const { connections = CONNECTIONS, patience = PATIENCE } = options
  const database = openRustDatabase({ address, connections, statementMs: STATEMENT_MS, patience })
  const one = async <R extends object>(text: string, values: readonly unknown[]): Promise<R | undefined> =>
    (await database.query<R>(text, values))[0]

  return {
    async *processes(rows, after) {
      const text = sql.idsIn(kindOf(rows))
      const limit = batchRows * BATCHES_OF_IDS
      for (let last = after; ; ) {
        const found = await database.query<{ process: string }>(text, [...boundsOf(rows), last ?? null, limit])
        const ids = found.map(({ process }) => process)
        for (let at = 0; at < ids.length; at += batchRows) yield ids.slice(at, at + batchRows)
        if (ids.length < limit) return
        last = ids.at(-1)
      }
    },

    async size(rows) {
      const bounds = boundsOf(rows)
      const [processes, messages] = await Promise.all([
        one<{ processes: string }>(sql.countOf(kindOf(rows)), bounds),
        one<{ messages: string }>(sql.MESSAGES_IN, bounds),
      ])
      return { processes: Number(processes?.processes), messages: Number(messages?.messages) }
    },

    async process(id) {
      const row = await one<ProcessRow>(sql.PROCESS, [id])
      return row && toProcess(row)
    },

    async extent(process): Promise<Extent> {
      const row = await one<ExtentRow>(sql.EXTENT, [process])
      return {
        messages: Number(row?.messages),
        nonces: Number(row?.nonces),
        lowest: numberOf(row?.lowest),
        highest: numberOf(row?.highest),
      }
    },

    async irregularities(process, first, limit) {
      const [missing, doubled] = await Promise.all([
        database.query<{ from: Integer; to: Integer }>(sql.MISSING, [process, first, limit]),
        database.query<{ nonce: Integer; rows: Integer[] }>(sql.DOUBLED, [process, limit]),
      ])
      const found: Irregularity[] = [
        ...missing.map(({ from, to }) => ({ kind: 'missing', from: Number(from), to: Number(to) }) as const),
        ...doubled.map(
          ({ nonce, rows }) => ({ kind: 'doubled', nonce: Number(nonce), rows: rows.map(Number) }) as const,
        ),
      ]
      return found.sort((a, b) => placeOf(a) - placeOf(b))
    },

    async *messages(process, rows, fromNonce) {
      for (let nonce = fromNonce, row = NO_ROW; ; ) {
        const values = [process, ...boundsOf(rows), nonce, row, batchRows, batchBytes]
        const found = await database.query<MessageRow & { asked: string }>(sql.NEXT_MESSAGES, values)
        const end = found.at(-1)
        if (end === undefined) return
        yield found.map(toMessage)
        // As many as there were, and fewer than were asked for.
        if (found.length === Number(end.asked) && found.length < batchRows) return
        nonce = Number(end.nonce)
        row = Number(end.row)
      }
    },

    async before(process, nonce) {
      const row = await one<MessageRow>(sql.BEFORE, [process, nonce])
      return row && toMessage(row)
    },

    async latestBefore(process, nonce) {
      return numberOf((await one<{ latest: Integer | null }>(sql.LATEST_BEFORE, [process, nonce]))?.latest)
    },

    close: database.close,
  }
}

/** As the driver gives it: a bigint as its digits. */
type Integer = number | string

interface MessageRow {
  row: Integer
  process: string
  message: string | null
  assignment: string | null
  epoch: Integer
  nonce: Integer
  timestamp: Integer
  hashChain: string
  bundle: Buffer
}

interface ProcessRow {
  row: Integer
  process: string
  epoch: Integer | null
  nonce: Integer | null
  timestamp: Integer | null
  hashChain: string | null
  bundle: Buffer
}

interface ExtentRow {
  messages: string
  nonces: string
  lowest: Integer | null
  highest: Integer | null
}

const kindOf = ({ from, to }: RowRange): sql.RangeKind => {
  if (to !== undefined) return 'bounded'
  // Rows are counted from 1.
  return from <= 1 ? 'all' : 'open'
}

const boundsOf = ({ from, to = Number.MAX_SAFE_INTEGER }: RowRange): [number, number] => [from, to]

const placeOf = (found: Irregularity): number => (found.kind === 'missing' ? found.from : found.nonce)

const numberOf = (value: Integer | null | undefined): number | undefined =>
  value === null || value === undefined ? undefined : Number(value)

const toMessage = ({
  row,
  process,
  message,
  assignment,
  epoch,
  nonce,
  timestamp,
  hashChain,
  bundle,
}: MessageRow): SourceMessage => ({
  row: Number(row),
  process,
  message: message ?? '',
  assignment: assignment ?? undefined,
  epoch: Number(epoch),
  nonce: Number(nonce),
  timestamp: Number(timestamp),
  hashChain,
  bundle,
})

const toProcess = ({ row, process, epoch, nonce, timestamp, hashChain, bundle }: ProcessRow): SourceProcess => ({
  row: Number(row),
  process,
  epoch: numberOf(epoch),
  nonce: numberOf(nonce),
  timestamp: numberOf(timestamp),
  hashChain: hashChain ?? undefined,
  bundle,
})
