/**
 * The submission queue in DynamoDB: adapter of `core/ports/submission-queue.ts`. A submission is two rows of the submissions table: its body under a key
 * of its own, and a small one that names it, under one of a few keys of the process, so that no key takes more writes than
 * DynamoDB gives it (a thousand units a second) and that looking again and again reads little. Bodies, and names that nobody
 * took out, expire by themselves.
 */
import { createHash } from 'node:crypto'
import { BatchGetItemCommand, BatchWriteItemCommand, QueryCommand, type WriteRequest } from '@aws-sdk/client-dynamodb'
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb'
import pMap from 'p-map'
import pRetry from 'p-retry'
import type { Entry } from '../../core/log/entry.ts'
import type { StoredItem } from '../../core/log/record.ts'
import type { Standing } from '../../core/ports/log-store.ts'
import type { News, Submission, SubmissionName, SubmissionQueue } from '../../core/ports/submission-queue.ts'
import { batchGet } from './batch-get.ts'
import type { DynamoDb } from './client.ts'
import { reading } from './failures.ts'
import { type Attributes, fromHeadRow, headKey } from './head-row.ts'
import { type ItemAttributes, itemAttributes, itemOf } from './record-row.ts'
import { idKeys, toOutcomes } from './submission-outcomes.ts'

/** Keys over which a process's names are spread: at 530 messages a second, two writes each, 530 units a second for each. */
const BOXES = 2
/** Names that one look brings from each of them at most: the oldest. */
const NAMES = 100
/** Rows of one BatchWriteItem. */
const ROWS_A_CALL = 25
/** Of one BatchGetItem. */
const KEYS_A_CALL = 100
/** After so long what was left behind is gone, s. DynamoDB takes its time, but nothing for it. */
const EXPIRY_S = 600

interface NameRow {
  box: string
  at: string
  deadline: number
  expires: number
}

interface BodyRow extends ItemAttributes {
  box: string
  at: 'body'
  expires: number
  kind: Entry['kind']
  exclude?: string[]
  hash?: string
  claimed?: boolean
}

const boxOf = (process: string, submission: string): string =>
  `${process}/${(createHash('sha256').update(submission).digest()[0] ?? 0) % BOXES}`
const nameKey = (process: string, { id, since }: SubmissionName) => ({
  box: boxOf(process, id),
  at: `${String(since).padStart(13, '0')}#${id}`,
})
const bodyKey = (id: string) => ({ box: `submission#${id}`, at: 'body' as const })

class Throttled extends Error {
  constructor() {
    super('DynamoDB left some rows of the submission queue unwritten')
  }
}

export function createSubmissionQueue(db: DynamoDb<'submissions' | 'ids' | 'heads'>): SubmissionQueue {
  const { client, tables } = db

  const write = (requests: readonly WriteRequest[]): Promise<void> =>
    reading(async () => {
      const calls = Array.from({ length: Math.ceil(requests.length / ROWS_A_CALL) }, (_, i) =>
        requests.slice(i * ROWS_A_CALL, (i + 1) * ROWS_A_CALL),
      )
      await pMap(calls, writeCall, { concurrency: 4 })
    })

  const writeCall = async (call: WriteRequest[]): Promise<void> => {
    let left = call
    // What is left unprocessed is throttled; an instance that submits in vain commits by itself.
    await pRetry(
      async () => {
        const { UnprocessedItems } = await client.send(
          new BatchWriteItemCommand({ RequestItems: { [tables.submissions]: left } }),
        )
        left = UnprocessedItems?.[tables.submissions] ?? []
        if (left.length > 0) throw new Throttled()
      },
      { retries: 2, minTimeout: 20, randomize: true, shouldRetry: ({ error }) => error instanceof Throttled },
    )
  }

  return {
    async submit(process, submissions) {
      const expires = Math.ceil(Date.now() / 1000) + EXPIRY_S
      await write(
        submissions.flatMap((submission) => {
          const name: NameRow = { ...nameKey(process, submission), deadline: submission.deadline, expires }
          const body = { ...bodyKey(submission.id), expires, ...entryAttributes(submission.entry) }
          return [marshall(body, { removeUndefinedValues: true }), marshall(name)].map((Item) => ({
            PutRequest: { Item },
          }))
        }),
      )
    },

    names: (process) =>
      reading(async () => {
        const found = await Promise.all(
          Array.from({ length: BOXES }, (_, i) =>
            client.send(
              new QueryCommand({
                TableName: tables.submissions,
                KeyConditionExpression: '#box = :box',
                ExpressionAttributeNames: { '#box': 'box' },
                ExpressionAttributeValues: { ':box': { S: `${process}/${i}` } },
                // A look that lags brings everybody's place later, and costs what it saves in further looks.
                ConsistentRead: true,
                Limit: NAMES,
              }),
            ),
          ),
        )
        return found.flatMap(({ Items }) => (Items ?? []).map(toName)).sort((a, b) => a.since - b.since)
      }),

    open: (process, names) =>
      reading(async () => {
        const rows = await batchGet(
          db,
          tables.submissions,
          names.map(({ id }) => marshall(bodyKey(id))),
          { consistent: true },
        )
        const bodies = new Map(rows.map((row) => [row.box?.S, row]))
        return names.flatMap((name): Submission[] => {
          const row = bodies.get(bodyKey(name.id).box)
          const entry = row && toEntry(process, row)
          return entry ? [{ ...name, entry }] : []
        })
      }),

    withdraw: (process, submissions) =>
      // A call must not name a row twice.
      write(
        [...new Map(submissions.map((submission) => [submission.id, submission])).values()].map((submission) => ({
          DeleteRequest: { Key: marshall(nameKey(process, submission)) },
        })),
      ),

    outcomes: (process, submissions) => reading(() => outcomesOf(process, submissions)),

    news: (process, submissions) =>
      reading(async (): Promise<News> => {
        const keys = idKeys(process, submissions)
        if (keys.length >= KEYS_A_CALL) return { outcomes: await outcomesOf(process, submissions) }
        // One call for both. Keys left unprocessed are not asked for again: the caller comes again anyway.
        const { Responses = {} } = await client.send(
          new BatchGetItemCommand({
            RequestItems: {
              [tables.heads]: { Keys: [headKey(process)], ConsistentRead: true },
              ...(keys.length > 0 && { [tables.ids]: { Keys: keys } }),
            },
          }),
        )
        const [head] = Responses[tables.heads] ?? []
        const outcomes = toOutcomes(process, submissions, Responses[tables.ids] ?? [])
        return { outcomes, ...(head && { head: fromHeadRow(head) }) }
      }),
  }

  async function outcomesOf(process: string, submissions: readonly Submission[]): Promise<Map<string, Standing>> {
    const rows = await batchGet(db, tables.ids, idKeys(process, submissions), { consistent: false })
    return toOutcomes(process, submissions, rows)
  }
}

function toName(row: Attributes): SubmissionName {
  const { at, deadline } = unmarshall(row) as NameRow
  const [since = '', id = ''] = at.split('#')
  return { id, since: Number(since), deadline }
}

function entryAttributes({ kind, exclude, deepHash, item, id }: Entry) {
  return {
    kind,
    ...(exclude.length > 0 && { exclude: [...exclude] }),
    ...(deepHash && { hash: deepHash.hash, claimed: deepHash.claimed }),
    ...itemAttributes(id, item),
  } satisfies Omit<BodyRow, 'box' | 'at' | 'expires'>
}

/** Undefined where it cannot be read, being of another version perhaps: one such must not keep the others from their places. */
function toEntry(process: string, attributes: Attributes): Entry | undefined {
  const row = unmarshall(attributes) as Partial<BodyRow>
  const { kind, exclude = [], hash, claimed = false } = row
  const item = readItem(row)
  const id = row.id ?? item?.id
  if (id === undefined || (kind !== 'message' && kind !== 'transaction') || (kind === 'message' && !item))
    return undefined
  return {
    process,
    kind,
    id,
    exclude,
    ...(item && { item }),
    ...(hash !== undefined && { deepHash: { hash, claimed } }),
  }
}

function readItem(row: Partial<BodyRow>): StoredItem | undefined {
  try {
    return itemOf(row)
  } catch {
    return undefined
  }
}
