/**
 * What each function may do at AWS, as plain data: exactly the calls that it makes, on exactly what it makes them on. The policies on AWS
 * are made of this. test/stack/grants.test.ts records what the functions really call in the local stack, and holds it against this
 * both ways: nothing is called that is not here, nothing is here that is never called.
 *
 * Not here is what Lambda does by itself for a function: its log, the stream that it reads, its failure destination. And that a function
 * calls itself (`callsItself` in infra/functions.ts): there is no Lambda in the local stack to be asked.
 */
import type { FunctionName } from './functions.ts'
import type { RouterTableName, TableName } from './tables.ts'

/** A table, in the home region where it is a router's; objects of the bucket; without a prefix the bucket itself. */
export type GrantedResource = { table: TableName | RouterTableName } | { bucket: true; prefix?: string }

export interface Grant {
  resource: GrantedResource
  /** As IAM names them. A transaction is authorised as the single calls that it holds, a batch has an action of its own. */
  actions: readonly `${string}:${string}`[]
  /** No rows but those with these partition keys (`dynamodb:LeadingKeys`). */
  leadingKeys?: readonly string[]
}

/** Bodies of items: db/s3/blob-store.ts. */
const items = { bucket: true, prefix: 'items/' } as const
/** Packed history: db/s3/segment-objects.ts. */
const segments = { bucket: true, prefix: 'segments/' } as const

export const grants: Readonly<Record<FunctionName, readonly Grant[]>> = {
  su: [
    {
      resource: { table: 'heads' },
      // Described: whether the log's tables are still those that it was begun in.
      // A batch: who waits asks for the outcome and the head in one call.
      actions: [
        'dynamodb:DescribeTable',
        'dynamodb:GetItem',
        'dynamodb:BatchGetItem',
        'dynamodb:PutItem',
        'dynamodb:UpdateItem',
      ],
    },
    {
      resource: { table: 'records' },
      actions: ['dynamodb:DescribeTable', 'dynamodb:BatchGetItem', 'dynamodb:PutItem'],
    },
    {
      resource: { table: 'ids' },
      actions: [
        'dynamodb:DescribeTable',
        // One id in one process. The query: in all of them.
        'dynamodb:GetItem',
        'dynamodb:Query',
        // What became of submissions.
        'dynamodb:BatchGetItem',
        'dynamodb:PutItem',
        'dynamodb:UpdateItem',
      ],
    },
    {
      resource: { table: 'submissions' },
      actions: ['dynamodb:Query', 'dynamodb:BatchGetItem', 'dynamodb:BatchWriteItem'],
    },
    { resource: items, actions: ['s3:GetObject', 's3:PutObject'] },
    // Put: a segment that was found damaged is packed again.
    { resource: segments, actions: ['s3:GetObject', 's3:PutObject'] },
    // HeadBucket, for /health.
    { resource: { bucket: true }, actions: ['s3:ListBucket'] },
    // Whether a process is its own, and that it is taken; whether the unit was declared dead.
    { resource: { table: 'placements' }, actions: ['dynamodb:GetItem', 'dynamodb:PutItem'] },
  ],
  relay: [
    // The row that says whose log it is.
    { resource: { table: 'heads' }, actions: ['dynamodb:GetItem'], leadingKeys: ['~log'] },
    // Batches: parts that have become owed.
    {
      resource: { table: 'heads' },
      actions: ['dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:BatchWriteItem'],
    },
    { resource: { table: 'records' }, actions: ['dynamodb:BatchGetItem'] },
    { resource: items, actions: ['s3:GetObject'] },
  ],
  packer: [
    { resource: { table: 'heads' }, actions: ['dynamodb:GetItem'], leadingKeys: ['~log'] },
    {
      resource: { table: 'heads' },
      actions: ['dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:BatchWriteItem'],
    },
    // Put: the index of a block that is packed.
    { resource: { table: 'records' }, actions: ['dynamodb:BatchGetItem', 'dynamodb:PutItem'] },
    { resource: items, actions: ['s3:GetObject'] },
    { resource: segments, actions: ['s3:PutObject'] },
  ],
  reconciler: [
    {
      resource: { table: 'heads' },
      // Get: whose log it is, and where the last slice ended.
      actions: [
        'dynamodb:GetItem',
        'dynamodb:Query',
        'dynamodb:Scan',
        'dynamodb:PutItem',
        'dynamodb:UpdateItem',
        'dynamodb:DeleteItem',
        'dynamodb:BatchWriteItem',
      ],
    },
    { resource: { table: 'records' }, actions: ['dynamodb:BatchGetItem', 'dynamodb:PutItem'] },
    { resource: items, actions: ['s3:GetObject'] },
    { resource: segments, actions: ['s3:PutObject'] },
  ],
  height: [
    { resource: { table: 'heads' }, actions: ['dynamodb:GetItem', 'dynamodb:UpdateItem'], leadingKeys: ['~network'] },
  ],
  router: [
    {
      resource: { table: 'placements' },
      actions: ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
    },
  ],
  mig: [
    // Described: whether the log's tables are still those that it was begun in. Query: how far the relay is.
    {
      resource: { table: 'heads' },
      actions: [
        'dynamodb:DescribeTable',
        'dynamodb:GetItem',
        'dynamodb:Query',
        'dynamodb:PutItem',
        'dynamodb:UpdateItem',
      ],
    },
    {
      resource: { table: 'records' },
      actions: ['dynamodb:DescribeTable', 'dynamodb:BatchGetItem', 'dynamodb:PartiQLInsert'],
    },
    // Put: of two records with one id the lowest nonce keeps the row.
    {
      resource: { table: 'ids' },
      actions: ['dynamodb:DescribeTable', 'dynamodb:BatchGetItem', 'dynamodb:PartiQLInsert', 'dynamodb:PutItem'],
    },
    { resource: items, actions: ['s3:GetObject', 's3:PutObject'] },
    // What it brings in is placed on its unit.
    { resource: { table: 'placements' }, actions: ['dynamodb:PutItem', 'dynamodb:UpdateItem'] },
  ],
  migPlacements: [
    {
      resource: { table: 'placements' },
      actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
    },
  ],
  // Asks Postgres alone.
  migrate: [],
}
