/**
 * Placements in DynamoDB: adapter of `core/ports/placement-store.ts`. Everything is written in the home region and read there
 * consistently, but for `glance`.
 *
 * What a spawn costs there: one transaction of two rows of less than 1 KB, its placement and a counter (4 W); its claim (1 W); and
 * before, its placement read (1 R) and the 16 counter rows (16 R). A counter row counts the processes of a sixteenth of all
 * ids, each unit's in an attribute of its own, and takes 500 transactions a second: 8,000 spawns a second in all. A row for each
 * unit would be the hot one as soon as one unit is filled up. Two transactions that meet on a row conflict, and one is
 * tried again: at 100 spawns a second about one in twenty. What is counted is exact, since it changes together with what it counts.
 */

import { randomUUID } from 'node:crypto'
import {
  BatchGetItemCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { SchedulerError } from '../../core/errors.ts'
import type { Placement, PlacementStore } from '../../core/ports/placement-store.ts'
import { batchGet } from './batch-get.ts'
import { persist, writeOnCondition } from './conditional-write.ts'
import { cancellation } from './failures.ts'
import type { Attributes } from './head-row.ts'
import {
  COUNTERS,
  counterKey,
  deadKey,
  fromCounterRow,
  fromPlacementRow,
  placementKey,
  shardOf,
  toPlacementRow,
} from './placement-row.ts'

export interface PlacementStoreOptions {
  /** In the region where placements are written. */
  home: DynamoDBClient
  /** In the own region; the same where that is the home region. */
  near: DynamoDBClient
  /** Its name, the same in all regions. */
  table: string
}

/** A look at the own region's replica, ms: without it the home region is asked. */
const GLANCE_MS = 400

/** All attempts of a call together, ms: a caller waits for it, and may ask again. */
const patience = { store: 'The table of placements', within: 2_500 }

export function createPlacementStore({ home, near, table }: PlacementStoreOptions): PlacementStore {
  const placements = { TableName: table }

  const row = (client: DynamoDBClient, Key: Attributes, ConsistentRead: boolean, within = patience.within) =>
    persist(
      async (options) => {
        const { Item } = await client.send(new GetItemCommand({ ...placements, Key, ConsistentRead }), options)
        return Item
      },
      { ...patience, within },
    )

  /**
   * Writes a placement on this condition, and with it the counter. Gives the one that stands, whoever wrote it: so an attempt whose
   * answer was lost needs no other care than to be made again. The token has the same transaction answered the same way.
   */
  async function transact(to: Placement, condition: Condition, counting: TransactWriteItem): Promise<Placement> {
    const ClientRequestToken = randomUUID()
    const TransactItems = [{ Put: { ...placements, Item: toPlacementRow(to), ...condition } }, counting]
    return await persist(async (options) => {
      try {
        await home.send(new TransactWriteItemsCommand({ TransactItems, ClientRequestToken }), options)
        return to
      } catch (error) {
        const atPlacement = cancellation(error)?.[0]
        // Anything else was not written (a conflict, throttling) or perhaps: the same again.
        if (atPlacement?.Code !== 'ConditionalCheckFailed') throw error
        return standing(to.process, atPlacement.Item)
      }
    }, patience)
  }

  /** The same where nothing changes in what is counted. */
  async function put(to: Placement, condition: Condition): Promise<Placement> {
    const command = new PutItemCommand({ ...placements, Item: toPlacementRow(to), ...condition })
    const outcome = await writeOnCondition((options) => home.send(command, options), patience)
    return outcome.written ? to : standing(to.process, outcome.row)
  }

  return {
    async read(process) {
      const found = await row(home, placementKey(process), true)
      return found && fromPlacementRow(found)
    },

    async glance(process) {
      const found = await row(near, placementKey(process), false, GLANCE_MS)
      return found && fromPlacementRow(found)
    },

    place: (placement) => transact(placement, absent, counted(table, placement.process, { more: placement.unit })),

    change: (from, to) =>
      from.unit === to.unit
        ? put(to, unchanged(from))
        : transact(to, unchanged(from), counted(table, to.process, { less: from.unit, more: to.unit })),

    async counts() {
      const Keys = Array.from({ length: COUNTERS }, (_, shard) => counterKey(shard))
      const command = new BatchGetItemCommand({ RequestItems: { [table]: { Keys, ConsistentRead: true } } })
      const rows = await persist(async (options) => {
        const { Responses, UnprocessedKeys } = await home.send(command, options)
        if (Object.keys(UnprocessedKeys ?? {}).length > 0) throw new Error('some counters were left unprocessed')
        return Responses?.[table] ?? []
      }, patience)
      const counts = new Map<string, number>()
      for (const [unit, processes] of rows.flatMap(fromCounterRow)) {
        counts.set(unit, (counts.get(unit) ?? 0) + processes)
      }
      // A unit whose last process moved away is as one that never had any.
      return new Map([...counts].filter(([, processes]) => processes !== 0))
    },

    async deadAmong(units) {
      const keys = [...new Set(units)].map(deadKey)
      const found = await persist(
        (options) => batchGet({ client: home }, table, keys, { consistent: true, ...options }),
        patience,
      )
      const dead = new Set(found.map(({ process }) => process?.S))
      return new Set(units.filter((unit) => dead.has(deadKey(unit).process?.S)))
    },

    async deadSince(unit) {
      const found = await row(home, deadKey(unit), true)
      return found && Number(found.at?.N)
    },

    async declareDead(unit, at) {
      const key = { ...placements, Key: deadKey(unit) }
      await persist(async (options) => {
        if (at === undefined) await home.send(new DeleteItemCommand(key), options)
        else {
          const first = new UpdateItemCommand({
            ...key,
            UpdateExpression: 'SET #at = if_not_exists(#at, :at)',
            ExpressionAttributeNames: { '#at': 'at' },
            ExpressionAttributeValues: { ':at': { N: String(at) } },
          })
          await home.send(first, options)
        }
      }, patience)
    },
  }
}

interface Condition {
  ConditionExpression: string
  ExpressionAttributeNames: Record<string, string>
  ExpressionAttributeValues?: Attributes
  /** The refusal brings the placement that stands. */
  ReturnValuesOnConditionCheckFailure: 'ALL_OLD'
}

const absent: Condition = {
  ConditionExpression: 'attribute_not_exists(#process)',
  ExpressionAttributeNames: { '#process': 'process' },
  ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
}

const unchanged = (from: Placement): Condition => ({
  ConditionExpression: '#version = :from',
  ExpressionAttributeNames: { '#version': 'version' },
  ExpressionAttributeValues: { ':from': { N: String(from.version) } },
  ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
})

/** One process less here, one more there. Addresses are no names that an expression could hold. */
function counted(table: string, process: string, { less, more }: { less?: string; more: string }): TransactWriteItem {
  return {
    Update: {
      TableName: table,
      Key: counterKey(shardOf(process)),
      UpdateExpression: less === undefined ? 'ADD #more :more' : 'ADD #more :more, #less :less',
      ExpressionAttributeNames: { '#more': more, ...(less !== undefined && { '#less': less }) },
      ExpressionAttributeValues: { ':more': { N: '1' }, ...(less !== undefined && { ':less': { N: '-1' } }) },
    },
  }
}

/** What a condition was refused for. Placements are never deleted: where one is gone, this is not the table that it was read in. */
function standing(process: string, row: Attributes | undefined): Placement {
  if (row) return fromPlacementRow(row)
  throw new SchedulerError('unavailable', `The placement of process ${process} is gone`, { retryAfter: 5 })
}
