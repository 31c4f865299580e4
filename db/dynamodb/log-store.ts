/** The log in DynamoDB: adapter of `core/ports/log-store.ts`. docs/architecture.md has the tables and what a call costs. */
import {
  type CancellationReason,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { LogRecord } from '../../core/log/record.ts'
import type { Commit, CommitOutcome, Link, LogStore, Spawn, SpawnOutcome } from '../../core/ports/log-store.ts'
import type { DynamoDb } from './client.ts'
import { writeOnCondition } from './conditional-write.ts'
import { cancellation, failedWrite } from './failures.ts'
import { fromHeadRow, headKey, moveHead, toHeadRow } from './head-row.ts'
import { assignmentRow, deepHashRow, ID_ROW_BYTES, itemRow, toPlace } from './id-row.ts'
import { createLogReader } from './log-reader.ts'
import { RECORD_OVERHEAD, recordRows } from './record-row.ts'

/** A transaction takes 100 rows, one of them the head, and 4 MB; some of which is the request's own. */
const LIMITS = { rows: 99, bytes: 3_500_000 }

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

  return {
    limits: LIMITS,
    cost: ({ item, deepHash }) => {
      const ids = deepHash ? 3 : 2
      const body = item && 'raw' in item ? item.raw.length : 0
      return { rows: 1 + ids, bytes: body + RECORD_OVERHEAD + ids * ID_ROW_BYTES }
    },

    ...createLogReader(db, rows),

    async commit({ from, to, links, token }: Commit): Promise<CommitOutcome> {
      const perLink = links.map((link) => linkRows(from.process, link))
      const items = [moveHead(tables.heads, from, to), ...perLink.flat()]
      try {
        await client.send(new TransactWriteItemsCommand({ TransactItems: items, ClientRequestToken: token }))
        return { kind: 'committed' }
      } catch (error) {
        const reasons = cancellation(error)
        return reasons ? commitOutcome(reasons, perLink) : failedWrite(error)
      }
    },

    async spawn({ head, record, assignmentId, token }: Spawn): Promise<SpawnOutcome> {
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
        await client.send(new TransactWriteItemsCommand({ TransactItems: items, ClientRequestToken: token }))
        return { kind: 'committed' }
      } catch (error) {
        const reasons = cancellation(error)
        if (!reasons) return failedWrite(error)
        const [atHead] = reasons
        if (atHead?.Code === 'ConditionalCheckFailed') {
          return { kind: 'exists', ...(atHead.Item && { head: fromHeadRow(atHead.Item) }) }
        }
        refuseInconsistency(reasons)
        return { kind: 'busy' }
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

type Reasons = readonly CancellationReason[]

/** Which rows refused tells what the log holds already: reasons come in the order of the rows. */
function commitOutcome([atHead, ...reasons]: Reasons, perLink: readonly TransactWriteItem[][]): CommitOutcome {
  const moved = atHead?.Code === 'ConditionalCheckFailed'
  const head = moved && atHead.Item ? { head: fromHeadRow(atHead.Item) } : {}
  const refusals: Extract<CommitOutcome, { kind: 'refused' }>['refusals'] = new Map()
  let position = 0
  perLink.forEach((rows, link) => {
    const [, item, , deepHash] = reasons.slice(position, position + rows.length)
    position += rows.length
    // The item itself before its deep hash: whoever comes again must hear of the former.
    const [reason, row] = item?.Item ? (['scheduled', item.Item] as const) : (['deep-hash', deepHash?.Item] as const)
    if (row) refusals.set(link, { reason, place: toPlace(row) })
  })
  if (refusals.size > 0) return { kind: 'refused', refusals, ...head }
  if (moved) return { kind: 'head-moved', ...head }
  refuseInconsistency(reasons)
  return { kind: 'busy' }
}

/**
 * A row refused that nothing but a moved head explains, and the head is where it was: the tables do not belong together
 * (one came back from a backup). Nothing must be scheduled then.
 */
function refuseInconsistency(reasons: Reasons): void {
  if (!reasons.some((reason) => reason.Code === 'ConditionalCheckFailed')) return
  throw new Error('The log holds a record beyond its head: its tables do not belong together')
}
