/** Metadata in Postgres: adapter of `core/ports/metadata-index.ts`. */
import { getTableColumns, type SQL, sql } from 'drizzle-orm'
import type { MetadataIndex, RecordMetadata } from '../../core/ports/metadata-index.ts'
import type { Database } from './client.ts'
import { encode, encodePlace, type Rows } from './encode.ts'
import { contentFailure, unavailable } from './failures.ts'
import { messages, processes } from './schema.ts'

/** Rows of one statement. More would make it slow to repeat, and Postgres takes at most 65,535 parameters. */
const MAX_ROWS = 250
const MAX_SIZE = 1_000_000

interface Entry {
  metadata: RecordMetadata
  rows: Rows
}

const upsertProcesses = { target: processes.id, ...replacement(processes) }
const upsertMessages = { target: [messages.process, messages.nonce], ...replacement(messages) }

export function createMetadataIndex(database: Database): MetadataIndex {
  async function write(rows: readonly Rows[]): Promise<void> {
    // A statement must not name a row twice.
    const byId = new Map(rows.flatMap(({ process }) => (process ? [[process.id, process] as const] : [])))
    const processRows = [...byId.values()]
    const intoMessages = database
      .insert(messages)
      .values(rows.map(({ message }) => message))
      .onConflictDoUpdate(upsertMessages)
    if (processRows.length === 0) await intoMessages
    else {
      // One transaction.
      await database.batch([
        database.insert(processes).values(processRows).onConflictDoUpdate(upsertProcesses),
        intoMessages,
      ])
    }
  }

  /** Whether Postgres refuses these rows for what they hold. Fails where it is away. */
  async function refuses(rows: readonly Rows[]): Promise<boolean> {
    try {
      await write(rows)
      return false
    } catch (error) {
      const failure = contentFailure(error)
      if (failure === 'none') throw error
      if (failure === 'certain') return true
    }
    // Neon's proxy answers with the same code while it is in trouble itself. The rows are at fault only if they fail again
    // although Postgres works.
    await database.execute(sql`select 1`)
    try {
      await write(rows)
      return false
    } catch (error) {
      if (contentFailure(error) === 'none') throw error
      return true
    }
  }

  /**
   * Halves a batch that Postgres refuses until the odd row is found, and stores only the place of that row. Where the place is
   * refused too, content is not the reason.
   */
  async function writeAcceptedRows(entries: readonly Entry[]): Promise<void> {
    if (!(await refuses(entries.map(({ rows }) => rows)))) return
    if (entries.length === 1) return write(entries.map(({ metadata }) => encodePlace(metadata)))
    const middle = Math.ceil(entries.length / 2)
    await writeAcceptedRows(entries.slice(0, middle))
    await writeAcceptedRows(entries.slice(middle))
  }

  return {
    async index(records) {
      const entries = distinct(records.map((metadata) => ({ metadata, rows: encode(metadata) })))
      try {
        for (const batch of batches(entries)) await writeAcceptedRows(batch)
      } catch (error) {
        throw unavailable(error)
      }
    },
  }
}

/**
 * What happens to a row that is stored already. A row that says something else is replaced: it was cut short, or a column is
 * new. A row without its content does not replace one of the same record.
 */
function replacement(table: typeof messages | typeof processes): { set: Record<string, SQL>; setWhere: SQL } {
  const given = (name: string) => sql`excluded.${sql.identifier(name)}`
  const stored = (name: string) => sql`${table}.${sql.identifier(name)}`
  const columns = Object.entries(getTableColumns(table))
  const names = columns.map(([, { name }]) => name)
  const differ = (which: readonly string[]) =>
    sql`(${sql.join(which.map(stored), sql`, `)}) is distinct from (${sql.join(which.map(given), sql`, `)})`
  const hasContent = sql`${given('shortened')} is distinct from 'refused'`
  return {
    set: Object.fromEntries(columns.map(([key, { name }]) => [key, given(name)])),
    setWhere: sql`${differ(names)} and (${hasContent} or ${differ(['id', 'assignment_id'])})`,
  }
}

/** One entry of each row, sorted: two relays that write the same rows then never deadlock. */
function distinct(entries: readonly Entry[]): Entry[] {
  const byPlace = new Map(
    entries.map((entry) => [`${entry.rows.message.process}/${entry.rows.message.nonce}`, entry] as const),
  )
  return [...byPlace.values()].sort(({ rows: { message: a } }, { rows: { message: b } }) =>
    a.process === b.process ? a.nonce - b.nonce : a.process < b.process ? -1 : 1,
  )
}

function batches(entries: readonly Entry[]): Entry[][] {
  const all: Entry[][] = []
  let size = 0
  for (const entry of entries) {
    const last = all.at(-1)
    size += entry.rows.size
    if (last === undefined || last.length === MAX_ROWS || size > MAX_SIZE) {
      all.push([entry])
      size = entry.rows.size
    } else last.push(entry)
  }
  return all
}
