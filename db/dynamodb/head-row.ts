/** Rows of the heads table: a process's head under `row = head`, its watermarks and the like beside it. */
import type { AttributeValue, TransactWriteItem } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import type { Head, HeadState, Lease } from '../../core/log/record.ts'

/** Attributes as stored; short names, since a head is written with every commit and must stay under 1 KB. */
interface HeadRow {
  process: string
  row: 'head'
  state: HeadState
  next: number
  chain?: Uint8Array
  last?: Uint8Array
  time: number
  height: number
  epoch: number
  first: 0 | -1
  depth: number
  awaits?: number
  /** Who commits at the moment: `Lease`. */
  lease?: Lease
}

export type Attributes = Record<string, AttributeValue>

export const headKey = (process: string): Attributes => ({ process: { S: process }, row: { S: 'head' } })

export function toHeadRow(head: Head): Attributes {
  const row: HeadRow = {
    process: head.process,
    row: 'head',
    state: head.state,
    next: head.next,
    time: head.timestamp,
    height: head.blockHeight,
    epoch: head.epoch,
    first: head.firstNonce,
    depth: head.settlementDepth,
    ...(head.hashChain && { chain: head.hashChain }),
    ...(head.lastAssignment && { last: head.lastAssignment }),
    ...(head.awaits !== undefined && { awaits: head.awaits }),
  }
  return marshall(row)
}

export function fromHeadRow(attributes: Attributes): Head {
  const row = unmarshall(attributes) as HeadRow
  return {
    process: row.process,
    state: row.state,
    next: row.next,
    timestamp: row.time,
    blockHeight: row.height,
    epoch: row.epoch,
    firstNonce: row.first,
    settlementDepth: row.depth,
    ...(row.chain && { hashChain: Buffer.from(row.chain) }),
    ...(row.last && { lastAssignment: Buffer.from(row.last) }),
    ...(row.awaits !== undefined && { awaits: row.awaits }),
    ...(row.lease && { lease: row.lease }),
  }
}

/** Moves a head, if it is still the one that was read and open. Everything else in the log hangs on this condition. */
export function moveHead(table: string, from: Head, to: Head): TransactWriteItem {
  return {
    Update: {
      TableName: table,
      Key: headKey(from.process),
      UpdateExpression: `SET #next = :next, #chain = :chain, #last = :last, #time = :time, #height = :height${to.lease ? ', #lease = :lease' : ''}`,
      ConditionExpression: `#state = :open AND #next = :from AND ${from.lastAssignment ? '#last = :before' : 'attribute_not_exists(#last)'}`,
      ExpressionAttributeNames: {
        '#next': 'next',
        '#chain': 'chain',
        '#last': 'last',
        '#time': 'time',
        '#height': 'height',
        '#state': 'state',
        ...(to.lease && { '#lease': 'lease' }),
      },
      ExpressionAttributeValues: marshall(
        {
          ':open': 'open',
          ':from': from.next,
          ':before': from.lastAssignment,
          ':next': to.next,
          ':chain': to.hashChain,
          ':last': to.lastAssignment,
          ':time': to.timestamp,
          ':height': to.blockHeight,
          ':lease': to.lease,
        },
        { removeUndefinedValues: true },
      ),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    },
  }
}
