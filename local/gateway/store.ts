/** What the gateway stand-in has: uploaded data items, base-layer transactions, and the list of uploads; in SQLite. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { type ParsedItem, parseItem, type Tag } from './items.ts'

/** What was sent to the bundler (`/tx/…`) or to the cache (`/id`), in order, repetitions too. */
export interface Upload {
  path: string
  id: string
  /** bytes */
  size: number
}

/** An Arweave transaction, or an item that was uploaded. */
export interface StoredTransaction extends ParsedItem {
  /** Height of its block; undefined while it waits for one. */
  height: number | undefined
}

/** A base-layer transaction as a test adds it. Strings that name keys or ids are base64url. */
export interface NewTransaction {
  id: string
  tags?: Tag[]
  data?: Buffer
  target?: string
  anchor?: string
  owner?: string
  height: number | undefined
}

export interface GatewayStore {
  /** When the chain began, ms; kept, so that the height does not fall at a restart. */
  readonly genesis: number
  has(id: string): boolean
  get(id: string): StoredTransaction | undefined
  /** All of them, newest first. */
  all(): Iterable<StoredTransaction>
  addItem(id: string, raw: Buffer, height: number): void
  addTransaction(transaction: NewTransaction): void
  noteUpload(upload: Upload): void
  uploads(): Upload[]
  close(): void
}

const schema = `
  CREATE TABLE IF NOT EXISTS items (seq INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, raw BLOB, described TEXT, data BLOB, height INTEGER);
  CREATE TABLE IF NOT EXISTS uploads (seq INTEGER PRIMARY KEY, path TEXT NOT NULL, id TEXT NOT NULL, size INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS genesis (only INTEGER PRIMARY KEY CHECK (only = 1), at INTEGER NOT NULL);
`

/** @param dir where it keeps its data; none: in memory */
export const openGatewayStore = (dir: string | undefined): GatewayStore => {
  if (dir !== undefined) mkdirSync(dir, { recursive: true })
  const database = new DatabaseSync(dir === undefined ? ':memory:' : join(dir, 'gateway.db'))
  // What the process wrote survives its kill; only a loss of power could take the last writes.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
  database.exec(schema)
  database.prepare('INSERT OR IGNORE INTO genesis VALUES (1, ?)').run(Date.now())
  const genesis = Number(database.prepare('SELECT at FROM genesis').get()?.at)

  const select = database.prepare('SELECT raw, described, data, height FROM items WHERE id = ?')
  const selectAll = database.prepare('SELECT raw, described, data, height FROM items ORDER BY seq DESC')
  const exists = database.prepare('SELECT 1 FROM items WHERE id = ?')
  const insertItem = database.prepare('INSERT OR IGNORE INTO items (id, raw, height) VALUES (?, ?, ?)')
  const insertTransaction = database.prepare(
    'INSERT OR REPLACE INTO items (id, described, data, height) VALUES (?, ?, ?, ?)',
  )
  const insertUpload = database.prepare('INSERT INTO uploads (path, id, size) VALUES (?, ?, ?)')
  const selectUploads = database.prepare('SELECT path, id, size FROM uploads ORDER BY seq')

  return {
    genesis,
    has: (id) => exists.get(id) !== undefined,
    get(id) {
      const row = select.get(id)
      return row && fromRow(row)
    },
    *all() {
      for (const row of selectAll.iterate()) yield fromRow(row)
    },
    addItem(id, raw, height) {
      insertItem.run(id, raw, height)
    },
    addTransaction({ data = Buffer.alloc(0), height, ...rest }) {
      const described = { signature: 'c2lnbmF0dXJl', owner: 'b3duZXI', target: '', anchor: '', tags: [], ...rest }
      insertTransaction.run(rest.id, JSON.stringify(described), data, height ?? null)
    },
    noteUpload({ path, id, size }) {
      insertUpload.run(path, id, size)
    },
    uploads: () =>
      selectUploads.all().map(({ path, id, size }) => ({ path: String(path), id: String(id), size: Number(size) })),
    close: () => database.close(),
  }
}

const fromRow = ({ raw, described, data, height }: Record<string, SQLOutputValue>): StoredTransaction => {
  const item =
    raw instanceof Uint8Array
      ? parseItem(Buffer.from(raw))
      : { ...JSON.parse(String(described)), data: Buffer.from(data instanceof Uint8Array ? data : []) }
  return { ...item, height: typeof height === 'number' ? height : undefined }
}
