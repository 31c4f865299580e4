/** Metadata in Postgres: adapter of `core/ports/metadata-index.ts`. */
import type { MetadataIndex, RecordMetadata } from '../../core/ports/metadata-index.ts'
import type { Database } from './client.ts'
import { encode, encodePlace, type Rows } from './encode.ts'
import { refusesContent, unavailable } from './failures.ts'
import { messages, processes } from './schema.ts'

/** One statement's rows. More would make it slow to repeat, and Postgres takes 65,535 parameters. */
const MAX_ROWS = 250
const MAX_SIZE = 1_000_000

interface Entry {
  metadata: RecordMetadata
  rows: Rows
}

export function createMetadataIndex(database: Database): MetadataIndex {
  async function write(rows: readonly Rows[]): Promise<void> {
    const processRows = rows.flatMap(({ process }) => process ?? [])
    const intoMessages = database
      .insert(messages)
      .values(rows.map(({ message }) => message))
      .onConflictDoNothing()
    if (processRows.length === 0) await intoMessages
    else {
      // One transaction.
      await database.batch([database.insert(processes).values(processRows).onConflictDoNothing(), intoMessages])
    }
  }

  /**
   * Halves what Postgres refuses for its content until the odd row is found, and keeps that one's place only. A place
   * that is refused too says that content is not the reason.
   */
  async function writeAllThatIsTaken(entries: readonly Entry[]): Promise<void> {
    try {
      await write(entries.map(({ rows }) => rows))
    } catch (error) {
      if (!refusesContent(error)) throw error
      if (entries.length === 1) return write(entries.map(({ metadata }) => encodePlace(metadata)))
      const middle = Math.ceil(entries.length / 2)
      await writeAllThatIsTaken(entries.slice(0, middle))
      await writeAllThatIsTaken(entries.slice(middle))
    }
  }

  return {
    async index(records) {
      const entries = distinct(records).map((metadata) => ({ metadata, rows: encode(metadata) }))
      try {
        for (const batch of batches(entries)) await writeAllThatIsTaken(batch)
      } catch (error) {
        throw unavailable(error)
      }
    },
  }
}

/** One of each place, in one order for everybody: two relays that write the same rows then never wait for each other in a ring. */
function distinct(records: readonly RecordMetadata[]): RecordMetadata[] {
  const byPlace = new Map(records.map((record) => [`${record.process}/${record.nonce}`, record]))
  return [...byPlace.values()].sort((a, b) =>
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
