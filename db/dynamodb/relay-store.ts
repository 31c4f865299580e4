/**
 * The relay's memory in the heads table, beside the heads: adapter of `core/ports/relay-store.ts`. Rows of their own, never
 * in the head's row: that one is every commit's condition.
 */
import { hash } from 'node:crypto'
import {
  type AttributeValue,
  BatchWriteItemCommand,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  paginateScan,
  type QueryCommandInput,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import { SchedulerError } from '../../core/errors.ts'
import {
  type Marker,
  type Owed,
  type OwedKey,
  type Progress,
  type RelayStore,
  type Sink,
  sinks,
  type Trouble,
} from '../../core/ports/relay-store.ts'
import type { DynamoDb } from './client.ts'
import { writeOnCondition } from './conditional-write.ts'
import { reading, unavailable } from './failures.ts'

/** One row for all watermarks of a process: sinks that move together cost one write. */
const DONE = 'done'
const OWED = 'owed#'
const owedRow = ({ sink, nonce, part }: OwedKey) => `${OWED}${sink}#${nonce}#${part}`

/** Markers are spread over so many keys: in an outage every process that changes writes one. */
const MARKER_KEYS = Array.from({ length: 8 }, (_, index) => `~behind/${index}`)
const markerKey = (process: string): string =>
  MARKER_KEYS[hash('sha256', process, 'buffer').readUInt32BE() % MARKER_KEYS.length] ?? ''
/** Where the last slice ended. */
const SLICE_KEY = { process: '~reconciler', row: 'slice' }
/** DynamoDB takes so many puts at once. */
const PUTS_AT_ONCE = 25

type TroubleName = `trouble_${Sink}`
const troubleOf = (sink: Sink): TroubleName => `trouble_${sink}`

/** The attributes of all row kinds that make up a progress. */
interface ProgressRow extends Partial<Record<Sink, number>>, Partial<Record<TroubleName, Trouble>> {
  process: string
  row: string
  next?: number
  first?: 0 | -1
  time?: number
}

const NAMES = ['row', 'next', 'first', 'time', ...sinks, ...sinks.map(troubleOf)]
const PROJECTION = {
  ProjectionExpression: ['process', ...NAMES.map((name) => `#${name}`)].join(', '),
  ExpressionAttributeNames: Object.fromEntries(NAMES.map((name) => [`#${name}`, name])),
} satisfies Partial<QueryCommandInput>

/** Rows of one process; undefined where there is no head among them (rows of the log itself). */
function toProgress(process: string, rows: readonly ProgressRow[]): Progress | undefined {
  const head = rows.find(({ row }) => row === 'head')
  if (head?.next === undefined || head.first === undefined) return undefined
  const marks = rows.find(({ row }) => row === DONE)
  const done: Progress['done'] = {}
  const trouble: Progress['trouble'] = {}
  for (const sink of sinks) {
    const mark = marks?.[sink]
    if (mark !== undefined) done[sink] = mark
    const noted = marks?.[troubleOf(sink)]
    if (noted !== undefined) trouble[sink] = noted
  }
  return { process, next: head.next, firstNonce: head.first, timestamp: head.time ?? 0, done, trouble }
}

export function createRelayStore({ client, tables }: DynamoDb<'heads'>): RelayStore {
  const table = { TableName: tables.heads }

  async function put(rows: readonly Record<string, AttributeValue>[]): Promise<void> {
    for (let at = 0; at < rows.length; at += PUTS_AT_ONCE) {
      const puts = rows.slice(at, at + PUTS_AT_ONCE).map((Item) => ({ PutRequest: { Item } }))
      const { UnprocessedItems } = await client.send(
        new BatchWriteItemCommand({ RequestItems: { [tables.heads]: puts } }),
      )
      // Throttled: they are put one by one, which the client retries.
      for (const { PutRequest } of UnprocessedItems?.[tables.heads] ?? []) {
        await client.send(new PutItemCommand({ ...table, Item: PutRequest?.Item }))
      }
    }
  }

  /** False where the condition refused it. */
  const updated = async (update: UpdateItemCommand): Promise<boolean> =>
    (await writeOnCondition((options) => client.send(update, options))).written

  async function mark(process: string, at: number): Promise<void> {
    await updated(
      new UpdateItemCommand({
        ...table,
        Key: marshall({ process: markerKey(process), row: process }),
        UpdateExpression: 'SET #at = :at',
        ConditionExpression: 'attribute_not_exists(#at) OR #at > :at',
        ExpressionAttributeNames: { '#at': 'at' },
        ExpressionAttributeValues: marshall({ ':at': at }),
      }),
    )
  }

  return {
    progress: (process) =>
      reading(async () => {
        const rows: ProgressRow[] = []
        const pages = paginateQuery(
          { client },
          {
            ...table,
            ...PROJECTION,
            // What is owed sorts behind: there may be much of it.
            KeyConditionExpression: 'process = :process AND #row BETWEEN :first AND :last',
            ExpressionAttributeValues: marshall({ ':process': process, ':first': DONE, ':last': 'head' }),
            ConsistentRead: true,
          },
        )
        for await (const { Items } of pages) rows.push(...(Items ?? []).map((item) => unmarshall(item) as ProgressRow))
        return toProgress(process, rows)
      }),

    advance(process, moves) {
      const moved = sinks.flatMap((sink) => (moves[sink] ? [{ sink, ...moves[sink] }] : []))
      const names = moved.flatMap(({ sink }) => [
        [`#${sink}`, sink],
        [`#trouble_${sink}`, troubleOf(sink)],
      ])
      const values = moved.flatMap(({ sink, from, to }) => [
        [`:${sink}To`, to],
        [`:${sink}From`, from],
      ])
      return updated(
        new UpdateItemCommand({
          ...table,
          Key: marshall({ process, row: DONE }),
          UpdateExpression: `SET ${moved.map(({ sink }) => `#${sink} = :${sink}To`).join(', ')} REMOVE ${moved.map(({ sink }) => `#trouble_${sink}`).join(', ')}`,
          ConditionExpression: moved
            .map(({ sink, from }) =>
              from === undefined ? `attribute_not_exists(#${sink})` : `#${sink} = :${sink}From`,
            )
            .join(' AND '),
          ExpressionAttributeNames: Object.fromEntries(names),
          ExpressionAttributeValues: marshall(Object.fromEntries(values), { removeUndefinedValues: true }),
        }),
      )
    },

    noteTrouble: (process, sink, trouble) =>
      reading(async () => {
        await client.send(
          new UpdateItemCommand({
            ...table,
            Key: marshall({ process, row: DONE }),
            UpdateExpression: 'SET #trouble = :trouble',
            ExpressionAttributeNames: { '#trouble': troubleOf(sink) },
            ExpressionAttributeValues: marshall({ ':trouble': trouble }),
          }),
        )
      }),

    async *scan() {
      // A scan gives the rows of one process one after the other, sometimes over the end of a page.
      let rows: ProgressRow[] = []
      try {
        for await (const { Items } of paginateScan({ client }, { ...table, ...PROJECTION })) {
          for (const item of Items ?? []) {
            const row = unmarshall(item) as ProgressRow
            if (rows[0] && rows[0].process !== row.process) {
              const progress = toProgress(rows[0].process, rows)
              rows = []
              if (progress) yield progress
            }
            rows.push(row)
          }
        }
      } catch (error) {
        throw unavailable(error)
      }
      const progress = rows[0] && toProgress(rows[0].process, rows)
      if (progress) yield progress
    },

    slice: () =>
      reading(async () => {
        const { Item } = await client.send(new GetItemCommand({ ...table, Key: marshall(SLICE_KEY) }))
        const after: unknown = Item && unmarshall(Item).after
        // One page: a megabyte, whatever the table has.
        const { Items = [], LastEvaluatedKey } = await client.send(
          new ScanCommand({
            ...table,
            ...PROJECTION,
            ...(typeof after === 'object' && after !== null && { ExclusiveStartKey: marshall(after) }),
          }),
        )
        const byProcess = new Map<string, ProgressRow[]>()
        for (const item of Items) {
          const row = unmarshall(item) as ProgressRow
          byProcess.set(row.process, [...(byProcess.get(row.process) ?? []), row])
        }
        let end = LastEvaluatedKey && (unmarshall(LastEvaluatedKey) as Pick<ProgressRow, 'process' | 'row'>)
        // The last process may go on in the next page: it begins there, unless this page is all its own.
        if (end && byProcess.size > 1) {
          const [last] = [...byProcess.keys()].slice(-1)
          byProcess.delete(last ?? '')
          const [process, rows] = [...byProcess].at(-1) ?? []
          end = { process: process ?? '', row: rows?.at(-1)?.row ?? '' }
        }
        // A table of one page is read whole each time.
        if (end || after !== undefined)
          await put([marshall({ ...SLICE_KEY, after: end }, { removeUndefinedValues: true })])
        const owing = [...byProcess].filter(([, rows]) => rows.some(({ row }) => row.startsWith(OWED)))
        return {
          processes: [...byProcess].flatMap(([process, rows]) => toProgress(process, rows) ?? []),
          owing: new Set(owing.map(([process]) => process)),
        }
      }),

    wake: (process) =>
      reading(async () => {
        // Only that the row changes matters: the stream passes it on to the relay.
        const Item = marshall({ process, row: 'wake', at: Date.now() })
        await client.send(new PutItemCommand({ ...table, Item }))
      }),

    owe: (parts) =>
      reading(async () => {
        await put(parts.map((part) => marshall({ ...part, row: owedRow(part) }, { removeUndefinedValues: true })))
        // Rows without a marker are found by a slice.
        const due = new Map<string, number>()
        for (const { process, since, next = since } of parts) {
          due.set(process, Math.min(next, due.get(process) ?? next))
        }
        for (const [process, at] of due) await mark(process, at)
      }),

    async *owed(of) {
      try {
        const pages = paginateQuery(
          { client },
          {
            ...table,
            ConsistentRead: true,
            KeyConditionExpression: 'process = :process AND begins_with(#row, :prefix)',
            ExpressionAttributeNames: { '#row': 'row' },
            ExpressionAttributeValues: marshall({ ':process': of, ':prefix': OWED }),
          },
        )
        for await (const { Items } of pages) {
          for (const item of Items ?? []) {
            const { row: _, ...part } = unmarshall(item) as Owed & { row: string }
            yield part
          }
        }
      } catch (error) {
        throw unavailable(error)
      }
    },

    settle: (part) =>
      reading(async () => {
        const Key = marshall({ process: part.process, row: owedRow(part) })
        await client.send(new DeleteItemCommand({ ...table, Key }))
      }),

    mark,

    async *markers() {
      try {
        for (const key of MARKER_KEYS) {
          const pages = paginateQuery(
            { client },
            {
              ...table,
              KeyConditionExpression: 'process = :key',
              ExpressionAttributeValues: marshall({ ':key': key }),
            },
          )
          for await (const { Items } of pages) for (const item of Items ?? []) yield toMarker(item)
        }
      } catch (error) {
        throw unavailable(error)
      }
    },

    async remark(process, at, marker) {
      const condition = {
        ...table,
        ConditionExpression: '#at = :at',
        ExpressionAttributeNames: { '#at': 'at' },
        ExpressionAttributeValues: marshall({ ':at': at }),
      }
      const key = { process: markerKey(process), row: process }
      if (marker) {
        const { process: _, ...rest } = marker
        const put = new PutItemCommand({ ...condition, Item: marshall({ ...rest, ...key }) })
        await writeOnCondition((options) => client.send(put, options))
      } else {
        const remove = new DeleteItemCommand({ ...condition, Key: marshall(key) })
        await writeOnCondition((options) => client.send(remove, options))
      }
    },
  }
}

function toMarker(item: Record<string, AttributeValue>): Marker {
  const { row, at, owed = 0, deadLetters = 0, behind = {} } = unmarshall(item) as Partial<Marker> & { row: string }
  if (at === undefined) throw new SchedulerError('unavailable', `The marker of process ${row} has no time.`)
  return { process: row, at, owed, deadLetters, behind }
}
