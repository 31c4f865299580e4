/**
 * The relay's memory in the heads table, beside the heads: adapter of `core/ports/relay-store.ts`. Rows of their own, never
 * in the head's row: that one is every commit's condition.
 */
import {
  DeleteItemCommand,
  PutItemCommand,
  paginateQuery,
  paginateScan,
  type QueryCommandInput,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import { type Effect, effects, type Progress, type RelayStore, type SetAside } from '../../core/ports/relay-store.ts'
import type { DynamoDb } from './client.ts'
import { writeOnCondition } from './conditional-write.ts'
import { reading, unavailable } from './failures.ts'

const doneRow = (effect: Effect) => `done#${effect}`
const SET_ASIDE = 'set-aside#'
const setAsideRow = ({ nonce, part }: Pick<SetAside, 'nonce' | 'part'>) => `${SET_ASIDE}${nonce}#${part}`

/** The attributes of all row kinds that make up a progress. */
interface ProgressRow {
  process: string
  row: string
  next?: number
  first?: 0 | -1
  done?: number
}

const PROJECTION = {
  ProjectionExpression: 'process, #row, #next, #first, done',
  ExpressionAttributeNames: { '#row': 'row', '#next': 'next', '#first': 'first' },
} satisfies Partial<QueryCommandInput>

/** Rows of one process; undefined where there is no head among them (rows of the log itself). */
function toProgress(process: string, rows: readonly ProgressRow[]): Progress | undefined {
  const head = rows.find(({ row }) => row === 'head')
  if (head?.next === undefined || head.first === undefined) return undefined
  const done: Progress['done'] = {}
  for (const effect of effects) {
    const mark = rows.find(({ row }) => row === doneRow(effect))
    if (mark?.done !== undefined) done[effect] = mark.done
  }
  return { process, next: head.next, firstNonce: head.first, done }
}

export function createRelayStore({ client, tables }: DynamoDb<'heads'>): RelayStore {
  const table = { TableName: tables.heads }
  const setAsides = { ...table, ConsistentRead: true, ExpressionAttributeNames: { '#row': 'row' } }
  const scanSetAsides = () =>
    paginateScan(
      { client },
      {
        ...setAsides,
        FilterExpression: 'begins_with(#row, :prefix)',
        ExpressionAttributeValues: marshall({ ':prefix': SET_ASIDE }),
      },
    )
  const querySetAsides = (process: string) =>
    paginateQuery(
      { client },
      {
        ...setAsides,
        KeyConditionExpression: 'process = :process AND begins_with(#row, :prefix)',
        ExpressionAttributeValues: marshall({ ':process': process, ':prefix': SET_ASIDE }),
      },
    )
  return {
    progress: (process) =>
      reading(async () => {
        const rows: ProgressRow[] = []
        const pages = paginateQuery(
          { client },
          {
            ...table,
            ...PROJECTION,
            // Heads and watermarks sort before set-asides, of which there may be many.
            KeyConditionExpression: 'process = :process AND #row BETWEEN :first AND :last',
            ExpressionAttributeValues: marshall({ ':process': process, ':first': 'done#', ':last': 'head' }),
            ConsistentRead: true,
          },
        )
        for await (const { Items } of pages) rows.push(...(Items ?? []).map((item) => unmarshall(item) as ProgressRow))
        return toProgress(process, rows)
      }),

    async advance(process, effect, from, to) {
      const command = new UpdateItemCommand({
        ...table,
        Key: marshall({ process, row: doneRow(effect) }),
        UpdateExpression: 'SET done = :to',
        ConditionExpression: from === undefined ? 'attribute_not_exists(done)' : 'done = :from',
        ExpressionAttributeValues: marshall({ ':to': to, ':from': from }, { removeUndefinedValues: true }),
      })
      return (await writeOnCondition((options) => client.send(command, options))).written
    },

    async *scan() {
      // A scan gives the rows of one process one after the other, sometimes over the end of a page.
      let rows: ProgressRow[] = []
      const finished = () => {
        const [first] = rows
        return first && toProgress(first.process, rows)
      }
      try {
        for await (const { Items } of paginateScan({ client }, { ...table, ...PROJECTION })) {
          for (const item of Items ?? []) {
            const row = unmarshall(item) as ProgressRow
            if (rows[0] && rows[0].process !== row.process) {
              const progress = finished()
              rows = []
              if (progress) yield progress
            }
            rows.push(row)
          }
        }
      } catch (error) {
        throw unavailable(error)
      }
      const progress = finished()
      if (progress) yield progress
    },

    wake: (process) =>
      reading(async () => {
        // Only that the row changes matters: the stream passes it on to the relay.
        const Item = marshall({ process, row: 'wake', at: Date.now() })
        await client.send(new PutItemCommand({ ...table, Item }))
      }),

    setAside: (item) =>
      reading(async () => {
        const Item = marshall({ ...item, row: setAsideRow(item) })
        await client.send(new PutItemCommand({ ...table, Item }))
      }),

    async *listSetAside(of) {
      try {
        const pages = of === undefined ? scanSetAsides() : querySetAsides(of)
        for await (const { Items } of pages) {
          for (const row of Items ?? []) {
            const { process, nonce, part, id, reason, at } = unmarshall(row) as SetAside
            yield { process, nonce, part, id, reason, at }
          }
        }
      } catch (error) {
        throw unavailable(error)
      }
    },

    removeSetAside: (item) =>
      reading(async () => {
        const Key = marshall({ process: item.process, row: setAsideRow(item) })
        await client.send(new DeleteItemCommand({ ...table, Key }))
      }),
  }
}
