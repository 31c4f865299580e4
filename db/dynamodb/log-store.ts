/** The log in DynamoDB: adapter of `core/ports/log-store.ts`. docs/architecture.md has the tables and what a call costs. */
import { type TransactWriteItem, TransactWriteItemsCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import type { LogRecord } from '../../core/log/record.ts'
import type { Commit, CommitOutcome, Link, LogStore, Spawn, SpawnOutcome } from '../../core/ports/log-store.ts'
import type { DynamoDb } from './client.ts'
import { writeOnCondition } from './conditional-write.ts'
import { cancellation, failedWrite } from './failures.ts'
import { headKey, moveHead, toHeadRow } from './head-row.ts'
import { assignmentRow, deepHashRow, ID_ROW_BYTES, itemRow } from './id-row.ts'
import { createLogReader } from './log-reader.ts'
import { RECORD_OVERHEAD, recordRows } from './record-row.ts'
import { commitOutcome, spawnOutcome } from './transaction-outcome.ts'

/** A transaction takes 100 rows, one of them the head, and 4 MB; some of which is the request's own. */
const LIMITS = { rows: 99, bytes: 3_500_000 }

/** Where the SDK's own retries stand in a command's middleware. */
const RETRIES = { name: 'retryMiddleware', step: 'finalizeRequest', priority: 'high' } as const

/** @param owner public key of the unit's wallet, 512 bytes */
export function createLogStore(db: DynamoDb, owner: Buffer): LogStore {
  const { client, tables } = db
  const rows = recordRows(owner)

  const put = (record: LogRecord): TransactWriteItem => ({
    Put: { TableName: tables.records, Item: rows.toRow(record), ConditionExpression: 'attribute_not_exists(pk)' },
  })

  const linkRows = (process: string, link: Link): TransactWriteItem[] => {
    const deepHash = deepHashRow(tables.ids, process, link)
    return [
      put({ ...link, process, timeKey: link.timestamp }),
      itemRow(tables.ids, process, link),
      assignmentRow(tables.ids, process, link),
      ...(deepHash ? [deepHash] : []),
    ]
  }

  const transact = async (
    TransactItems: TransactWriteItem[],
    ClientRequestToken: string,
    abortSignal: AbortSignal | undefined,
  ): Promise<void> => {
    const command = new TransactWriteItemsCommand({ TransactItems, ClientRequestToken })
    // A repetition by the SDK would outlive the deadline, or be sent by an instance that thaws hours later, and would leave open
    // whether the attempt before it happened. The caller repeats, and knows how long and with which token.
    command.middlewareStack.add((next) => next, { ...RETRIES, override: true })
    await client.send(command, { ...(abortSignal && { abortSignal }) })
  }

  return {
    limits: LIMITS,
    cost: ({ item, deepHash }) => {
      const ids = deepHash ? 3 : 2
      const body = item && 'raw' in item ? item.raw.length : 0
      return { rows: 1 + ids, bytes: body + RECORD_OVERHEAD + ids * ID_ROW_BYTES }
    },

    ...createLogReader(db, rows),

    async commit({ from, to, links, token }: Commit, signal): Promise<CommitOutcome> {
      const items = [moveHead(tables.heads, from, to), ...links.flatMap((link) => linkRows(from.process, link))]
      try {
        await transact(items, token, signal)
        return { kind: 'committed' }
      } catch (error) {
        const reasons = cancellation(error)
        return reasons ? commitOutcome(reasons, links) : failedWrite(error)
      }
    },

    async spawn({ head, record, assignmentId, token }: Spawn, signal): Promise<SpawnOutcome> {
      const { process } = head
      const items: TransactWriteItem[] = [
        {
          Put: {
            TableName: tables.heads,
            Item: toHeadRow(head),
            ConditionExpression: 'attribute_not_exists(process)',
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          },
        },
        put(record),
      ]
      if (assignmentId !== undefined) {
        const { nonce, timestamp } = record
        items.push(assignmentRow(tables.ids, process, { assignmentId, nonce, timestamp }))
      }
      try {
        await transact(items, token, signal)
        return { kind: 'committed' }
      } catch (error) {
        const reasons = cancellation(error)
        return reasons ? spawnOutcome(reasons) : failedWrite(error)
      }
    },

    async setState(process, expected, state) {
      const command = new UpdateItemCommand({
        TableName: tables.heads,
        Key: headKey(process),
        UpdateExpression: 'SET #state = :state',
        ConditionExpression: '#state = :expected',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: { ':state': { S: state }, ':expected': { S: expected } },
      })
      return (await writeOnCondition((options) => client.send(command, options))).written
    },
  }
}
