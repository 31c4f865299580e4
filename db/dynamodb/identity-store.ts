/**
 * Whose log this is, in one row of the heads table: adapter of `core/ports/log-identity.ts`. The other tables have a mark that says
 * no more than that a log was begun with them: if the heads are lost, nobody begins another one beside what is left.
 */
import {
  DescribeTableCommand,
  GetItemCommand,
  ResourceNotFoundException,
  type TableDescription,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import pRetry, { type Options } from 'p-retry'
import { SchedulerError } from '../../core/errors.ts'
import type { LogIdentity, LogIdentityStore } from '../../core/ports/log-identity.ts'
import type { DynamoDb } from './client.ts'
import { cancellation, reading } from './failures.ts'

/** No process and no item has such an id. */
const KEY = { process: '~log', row: 'identity' }
const RECORDS_MARK = { pk: '~log' }
const IDS_MARK = { id: '~log', at: 'identity' }

type StoredIdentity = Omit<LogIdentity, 'owner' | 'generation'> & { owner: Uint8Array; generation?: number }

/** Several instances may begin a log at the same moment, and disturb each other. */
const CONFLICTS: Options = {
  retries: 8,
  minTimeout: 10,
  maxTimeout: 200,
  randomize: true,
  shouldRetry: ({ error }) => cancellation(error) !== undefined,
}

export function createIdentityStore({ client, tables }: DynamoDb): LogIdentityStore {
  /** All of these or none; false where a condition refuses. Fails with `unavailable`. */
  const write = (items: TransactWriteItem[]): Promise<boolean> =>
    reading(() =>
      pRetry(async () => {
        try {
          await client.send(new TransactWriteItemsCommand({ TransactItems: items }))
          return true
        } catch (error) {
          if (cancellation(error)?.some(({ Code }) => Code === 'ConditionalCheckFailed')) return false
          throw error
        }
      }, CONFLICTS),
    )

  const recorded = (): Promise<LogIdentity | undefined> =>
    reading(async () => {
      const { Item } = await client.send(
        new GetItemCommand({ TableName: tables.heads, Key: marshall(KEY), ConsistentRead: true }),
      )
      if (!Item) return undefined
      const row = unmarshall(Item) as StoredIdentity
      return {
        wallet: row.wallet,
        owner: Buffer.from(row.owner),
        tables: row.tables,
        generation: row.generation ?? 0,
      }
    })

  return {
    actualTables: () =>
      reading(async () => {
        const names = [tables.heads, tables.records, tables.ids]
        const described = await Promise.all(
          names.map((TableName) =>
            client.send(new DescribeTableCommand({ TableName })).catch((error: unknown) => {
              // Certainly not the table that the log was begun in: no outage, through which an instance may go on.
              if (error instanceof ResourceNotFoundException) throw missing()
              throw error
            }),
          ),
        )
        return described.map(({ Table }) => nameForGood(Table)).join(' ')
      }),

    recorded,

    begin: (identity) =>
      write([
        {
          Put: {
            TableName: tables.heads,
            Item: marshall({ ...KEY, ...identity }),
            ConditionExpression: 'attribute_not_exists(process)',
          },
        },
        {
          Put: {
            TableName: tables.records,
            Item: marshall(RECORDS_MARK),
            ConditionExpression: 'attribute_not_exists(pk)',
          },
        },
        { Put: { TableName: tables.ids, Item: marshall(IDS_MARK), ConditionExpression: 'attribute_not_exists(id)' } },
      ]),

    async takeOver(from, to) {
      const taken = await write([
        {
          Put: {
            TableName: tables.heads,
            Item: marshall({ ...KEY, ...to }),
            ...(from
              ? {
                  ConditionExpression: '#tables = :tables AND wallet = :wallet',
                  ExpressionAttributeNames: { '#tables': 'tables' },
                  ExpressionAttributeValues: marshall({ ':tables': from.tables, ':wallet': from.wallet }),
                }
              : { ConditionExpression: 'attribute_not_exists(process)' }),
          },
        },
        { Put: { TableName: tables.records, Item: marshall(RECORDS_MARK) } },
        { Put: { TableName: tables.ids, Item: marshall(IDS_MARK) } },
      ])
      if (taken) return true
      // By an earlier attempt, or by somebody else.
      const standing = await recorded()
      return standing?.tables === to.tables && standing.wallet === to.wallet
    },
  }
}

/**
 * A table's id is DynamoDB's own: a restored table has the data and perhaps the name, but never the id. DynamoDB Local has no
 * ids, and no other table of that name was made at that moment.
 */
function nameForGood({ TableId, TableName, CreationDateTime }: TableDescription = {}): string {
  if (TableId) return TableId
  if (CreationDateTime) return `${TableName}@${CreationDateTime.toISOString()}`
  throw new SchedulerError('unavailable', 'The log does not say what its tables are', { retryAfter: 5 })
}

const missing = () =>
  new SchedulerError('foreign-log', 'A table of the log is not there; nothing is scheduled until it is back', {
    retryAfter: 15,
  })
