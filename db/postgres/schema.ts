/**
 * The tables of metadata, for drizzle. docs/metadata.md has what an operator asks of them. No message can make the key of an index
 * too large: ids and addresses are short, and of the tags only hashes are indexed.
 */
import { sql } from 'drizzle-orm'
import { bigint, index, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'

/** Values of the tags by name, in the item's order: the first value of a name counts. */
export type TagColumn = Record<string, string[]>

/**
 * Why a row says less than its item does. `tags`: the item has more or longer tags than are kept. `unreadable`: its bytes are no
 * data item. `refused`: Postgres refused the row, so only its place is kept.
 */
export const shortenings = ['tags', 'unreadable', 'refused'] as const

/** 64 bits in Postgres; values here are safe integers. */
const integer = (name: string) => bigint(name, { mode: 'number' })

const fromItem = {
  /** Address of the item's owner. */
  owner: text('owner'),
  /** Length of the raw item. */
  bytes: integer('bytes'),
  tags: jsonb('tags').$type<TagColumn>().notNull().default({}),
  shortened: text('shortened', { enum: shortenings }),
}

/** One row for each process. */
export const processes = pgTable(
  'processes',
  {
    id: text('id').primaryKey(),
    /** None where the process has no assignment. */
    assignmentId: text('assignment_id'),
    timestamp: integer('timestamp').notNull(),
    blockHeight: integer('block_height').notNull(),
    ...fromItem,
  },
  (table) => [
    index('processes_by_owner').on(table.owner, table.timestamp),
    index('processes_by_time').on(table.timestamp),
    index('processes_by_tag').using('gin', sql`${table.tags} jsonb_path_ops`),
  ],
)

/** One row for each nonce of each process: messages, assigned transactions, and the process itself. */
export const messages = pgTable(
  'messages',
  {
    process: text('process').notNull(),
    /** -1: the row of a process that has no assignment. */
    nonce: integer('nonce').notNull(),
    kind: text('kind', { enum: ['process', 'message', 'transaction'] }).notNull(),
    /** The item's, or the assigned transaction's. */
    id: text('id').notNull(),
    assignmentId: text('assignment_id'),
    target: text('target'),
    timestamp: integer('timestamp').notNull(),
    /** The greatest timestamp up to this nonce: what `from` and `to` of a page go by. */
    timeKey: integer('time_key').notNull(),
    blockHeight: integer('block_height').notNull(),
    ...fromItem,
  },
  (table) => [
    primaryKey({ columns: [table.process, table.nonce] }),
    index('messages_by_time_key').on(table.process, table.timeKey, table.nonce),
    index('messages_by_id').on(table.id),
    index('messages_by_assignment').on(table.assignmentId),
    // Time and place are an order of all rows, in which a question can be asked page by page.
    index('messages_by_owner_and_time').on(table.owner, table.timestamp, table.process, table.nonce),
    index('messages_by_time_and_place').on(table.timestamp, table.process, table.nonce),
    index('messages_by_tag').using('gin', sql`${table.tags} jsonb_path_ops`),
    index('messages_shortened')
      .on(table.timestamp, table.process, table.nonce)
      .where(sql`${table.shortened} is not null`),
  ],
)

export type ProcessRow = typeof processes.$inferInsert
export type MessageRow = typeof messages.$inferInsert
