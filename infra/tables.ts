/**
 * The DynamoDB tables and the bucket, as plain data. The local stack makes its tables from this, and infra/sst deploys them from it:
 * one place, so that they cannot differ. What is in them: docs/architecture.md, "Tables".
 */

/** A key attribute; all keys of the unit are strings. */
export interface TableSettings {
  hashKey: string
  rangeKey?: string
  /** What the table's stream carries, where it has one. */
  stream?: 'NEW_IMAGE'
  /** The attribute with the time, s since the epoch, after which DynamoDB may delete a row. */
  expiry?: string
  /** The environment variable by which functions learn the table's name. */
  variable: string
}

/** Of each unit. All billed on demand. */
export const tables = {
  /** Heads, watermarks and everything else that is small and per process: `process`, and in it `head`, `done#upload`, … */
  heads: { hashKey: 'process', rangeKey: 'row', stream: 'NEW_IMAGE', variable: 'HEADS_TABLE' },
  /** One record per nonce, each with a partition key of its own, so that no partition gets hot. */
  records: { hashKey: 'pk', variable: 'RECORDS_TABLE' },
  /** Where an id stands in the log: by item, assignment and deep hash. */
  ids: { hashKey: 'id', rangeKey: 'at', variable: 'IDS_TABLE' },
  /** What instances leave for the one that commits for a busy process; nothing in here needs to be kept. */
  submissions: { hashKey: 'box', rangeKey: 'at', expiry: 'expires', variable: 'SUBMISSIONS_TABLE' },
} as const satisfies Record<string, TableSettings>

export type TableName = keyof typeof tables

/** Of the router, in its home region; elsewhere there are replicas of them, to be read. */
export const routerTables = {
  /** Which unit keeps which process: `process`. */
  placements: { hashKey: 'process', variable: 'PLACEMENTS_TABLE' },
} as const satisfies Record<string, TableSettings>

export type RouterTableName = keyof typeof routerTables

/** The bucket of item bodies that do not fit a record. */
export const bucket = { variable: 'BUCKET' } as const
