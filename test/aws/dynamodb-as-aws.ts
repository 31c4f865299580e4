/**
 * Gives a DynamoDB client the behaviour that AWS documents and that DynamoDB Local never shows. It is a middleware of the AWS SDK that
 * sits below the SDK's own retries, where the network is, so that every attempt meets it.
 *
 * ```ts
 * const db = useDynamoDb()
 * const aws = useAws(db, { seed: 7, staleReads: 0.5, conflicts: 0.3, cancellations: 0.3, lostAnswers: 0.1 })
 * const store = () => createLogStore(aws(), owner)
 * ```
 *
 * Each behaviour is off unless a chance is given for it. A chance is a probability, or a function that looks at the call:
 * `throttling: ({ attempt }) => attempt > 1` throttles only what the SDK sends again, and
 * `lostAnswers: ({ command, nth }) => command === 'TransactWriteItemsCommand' && nth === 1` loses the answer of the first transaction.
 * `cancellations` may name the reason of each row, which goes through every combination in a property test:
 * `cancellations: () => ['TransactionConflict', undefined]` has the first row conflict, and judges the others by their conditions.
 *
 * What a call meets depends on the seed, its command and its number among the calls of that command (every attempt counts), so one
 * seed gives one history to a caller that makes its calls in one order. `asAws` makes a client within a test, `behaveAsAws` changes a client. `createAws` puts one behaviour, and one "last write", on
 * several clients, for instances that share a log.
 *
 * Where the rules come from: API reference of DynamoDB (BatchGetItem, BatchWriteItem, BatchExecuteStatement, TransactWriteItems and its
 * `CancellationReasons`), developer guide, "Read consistency", "Transaction isolation levels", "Error handling".
 */
import {
  type AttributeValue,
  BatchExecuteStatementCommand,
  type BatchExecuteStatementCommandInput,
  type BatchExecuteStatementCommandOutput,
  BatchGetItemCommand,
  type BatchGetItemCommandInput,
  type BatchGetItemCommandOutput,
  BatchWriteItemCommand,
  type BatchWriteItemCommandInput,
  type CancellationReason,
  DescribeTableCommand,
  DynamoDBClient,
  type GetItemCommandInput,
  type GetItemCommandOutput,
  InternalServerError,
  ProvisionedThroughputExceededException,
  type QueryCommandInput,
  type QueryCommandOutput,
  RequestLimitExceeded,
  type ServiceInputTypes,
  type ServiceOutputTypes,
  ThrottlingException,
  TransactionCanceledException,
  TransactionConflictException,
  TransactionInProgressException,
  TransactWriteItemsCommand,
  type TransactWriteItemsCommandInput,
} from '@aws-sdk/client-dynamodb'
import { afterAll, beforeAll } from 'vitest'
import { createDynamoDb, type DynamoDb, type Tables } from '../../db/dynamodb/client.ts'
import { mulberry32 } from '../fakes/virtual-clock.ts'

/** One attempt of the SDK to send a command. */
export interface Call {
  /** As the SDK names it: `GetItemCommand`. */
  command: string
  input: ServiceInputTypes
  /** Its number among the attempts of this command, from 1. */
  nth: number
  /** Its number among the SDK's attempts of one call, from 1. */
  attempt: number
}

/** A probability from 0 to 1, or what gives one for this call (or says whether it happens). */
export type Chance = number | ((call: Call) => boolean | number)

/** Reasons of a cancelled row that say nothing of its condition. */
export const passingReasons = ['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'] as const
export type PassingReason = (typeof passingReasons)[number]

export interface AwsBehaviour {
  /** 1 unless given. */
  seed?: number
  /**
   * A read without `ConsistentRead` shows a row of the last write as it was before that write. Each row is judged by itself: a write of
   * several rows may be seen in part. A row that the last write deleted stays unseen in queries and scans, and so do PartiQL statements.
   */
  staleReads?: Chance
  /** A batch call processes some of its rows, one at least, and returns the others as `UnprocessedKeys` or `UnprocessedItems`. */
  unprocessed?: Chance
  /** Some statements of a batch are not executed: each says `ThrottlingError`, `ProvisionedThroughputExceeded` or `TransactionConflict`. */
  failedStatements?: Chance
  /** A single write fails with `TransactionConflictException`, and nothing is written. */
  conflicts?: Chance
  /**
   * A transaction is cancelled, and nothing is written. A row has a passing reason, or else what its condition deserves: `None`, or
   * `ConditionalCheckFailed`, with the row where the request asks for it. One row at least has a reason. A function may say by row
   * which passing reason it has (undefined: judged by its condition); it cancels nothing where no row has a reason then.
   */
  cancellations?: number | ((call: Call) => boolean | readonly (PassingReason | undefined)[])
  /** Any call is throttled before anything is done. */
  throttling?: Chance
  /** Any call is lost on its way to DynamoDB. */
  lostRequests?: Chance
  /** Any call is done, and its answer is lost: a broken connection, a timeout, or status 500. */
  lostAnswers?: Chance
  /** A transaction's token is unknown, as it is after ten minutes: the same commit is judged by its conditions once more. */
  forgottenTokens?: Chance
  /** A transaction whose token was sent before fails with `TransactionInProgressException`. */
  tokensInProgress?: Chance
}

type Row = Record<string, AttributeValue>
type Send = () => Promise<ServiceOutputTypes>
interface Key {
  table: string
  key: Row
}

/** A new one for each error: the SDK writes its number of attempts into it, and repeats what has status 500. */
const metadata = (httpStatusCode = 400) => ({ $metadata: { httpStatusCode } })
const SINGLE_WRITES = new Set(['PutItemCommand', 'UpdateItemCommand', 'DeleteItemCommand'])
/** A transaction takes this many rows. */
const TRANSACTION_ROWS = 100
/** Rows of the last write are read in parts of this size: 16 MB is the most that one call returns. */
const IMAGES_A_CALL = 25

const throttled = [
  () => new ProvisionedThroughputExceededException({ ...metadata(), message: 'The level of throughput was exceeded.' }),
  () => new ThrottlingException({ ...metadata(), message: 'Rate exceeded.' }),
  () => new RequestLimitExceeded({ ...metadata(), message: 'Throughput exceeds the current limit of the account.' }),
]
const lost = [
  () => Object.assign(new Error('socket hang up'), { name: 'TimeoutError', code: 'ECONNRESET' }),
  () => Object.assign(new Error('Request did not complete in time.'), { name: 'TimeoutError' }),
  () => new InternalServerError({ ...metadata(500), message: 'Internal server error.' }),
]
const reasonTexts: Record<PassingReason, string> = {
  TransactionConflict: 'Transaction is ongoing for the item',
  ThrottlingError: 'Throughput exceeds the current capacity for one or more global secondary indexes.',
  ProvisionedThroughputExceeded: 'The level of configured provisioned throughput for the table was exceeded.',
}

/** The same tables by a client of its own that has this behaviour. The caller destroys the client. */
export async function asAws<T extends keyof Tables>(
  db: DynamoDb<T>,
  behaviour: AwsBehaviour | SharedBehaviour,
): Promise<DynamoDb<T>> {
  const endpoint = await db.client.config.endpoint?.()
  const own = createDynamoDb(db.tables, `http://${endpoint?.hostname}:${endpoint?.port}`)
  const shared = 'withClient' in behaviour ? behaviour : createAws(behaviour)
  shared.withClient(own.client)
  return own
}

/** The same for the tests of a file: made before them, and destroyed after them. */
export function useAws<T extends keyof Tables>(db: () => DynamoDb<T>, behaviour: AwsBehaviour): () => DynamoDb<T> {
  let own: DynamoDb<T> | undefined
  beforeAll(async () => {
    own = await asAws(db(), behaviour)
  })
  afterAll(() => own?.client.destroy())
  return () => {
    if (!own) throw new Error('DynamoDB as AWS: it is not started. Call it within a test.')
    return own
  }
}

/** Puts the behaviour on a client, for as long as the client lives. */
export function behaveAsAws(client: DynamoDBClient, behaviour: AwsBehaviour): void {
  createAws(behaviour).withClient(client)
}

export interface SharedBehaviour {
  withClient(client: DynamoDBClient): void
}

/** One behaviour for several clients of one DynamoDB. */
export function createAws(behaviour: AwsBehaviour): SharedBehaviour {
  const aws = new Aws(behaviour)
  return {
    withClient(client) {
      aws.database ??= new Database(client)
      const { database } = aws
      client.middlewareStack.add(
        (next, context) => async (args) => {
          const request = args.request as { headers?: Record<string, string> }
          const attempt = Number(/attempt=(\d+)/.exec(request.headers?.['amz-sdk-request'] ?? '')?.[1] ?? 1)
          let response: unknown
          const output = await aws.answer(database, context.commandName ?? '', args.input, attempt, async () => {
            const answered = await next(args)
            response = answered.response
            return answered.output
          })
          return { output, response }
        },
        { step: 'finalizeRequest', priority: 'low', name: 'dynamoDbAsAws' },
      )
    },
  }
}

/** The database as it is, asked by a client without the middleware. */
class Database {
  readonly plain: DynamoDBClient
  private readonly keyNames = new Map<string, Promise<string[]>>()

  constructor({ config }: DynamoDBClient) {
    const { endpoint, region, credentials, requestHandler } = config
    this.plain = new DynamoDBClient({ ...(endpoint && { endpoint }), region, credentials, requestHandler })
  }

  namesOf(table: string): Promise<string[]> {
    const known = this.keyNames.get(table)
    if (known !== undefined) return known
    const asked = this.plain
      .send(new DescribeTableCommand({ TableName: table }))
      .then(({ Table }) => (Table?.KeySchema ?? []).flatMap(({ AttributeName }) => AttributeName ?? []))
    this.keyNames.set(table, asked)
    return asked
  }

  async keyOf(table: string, row: Row): Promise<Row> {
    const names = await this.namesOf(table)
    return Object.fromEntries(names.flatMap((name) => (row[name] ? [[name, row[name]]] : [])))
  }

  async nameOf(table: string, row: Row): Promise<string> {
    return `${table} ${JSON.stringify(await this.keyOf(table, row))}`
  }

  /** Rows as they stand, by `nameOf`; undefined for a row that is not there. */
  async images(keys: readonly Key[]): Promise<Map<string, Row | undefined>> {
    const images = new Map<string, Row | undefined>()
    for (const { table, key } of keys) images.set(await this.nameOf(table, key), undefined)
    for (let from = 0; from < keys.length; from += IMAGES_A_CALL) {
      const RequestItems: Record<string, { Keys: Row[]; ConsistentRead: true }> = {}
      for (const { table, key } of keys.slice(from, from + IMAGES_A_CALL)) {
        RequestItems[table] ??= { Keys: [], ConsistentRead: true }
        RequestItems[table].Keys.push(key)
      }
      const { Responses = {} } = await this.plain.send(new BatchGetItemCommand({ RequestItems }))
      for (const [table, rows] of Object.entries(Responses)) {
        for (const row of rows) images.set(await this.nameOf(table, row), row)
      }
    }
    return images
  }

  /** What each row's condition deserves at this moment. A row that always fails makes sure that nothing is written. */
  async judge({ TransactItems = [] }: TransactWriteItemsCommandInput): Promise<CancellationReason[]> {
    const reasons: CancellationReason[] = []
    const [first] = await writtenBy('TransactWriteItemsCommand', { TransactItems }, this)
    if (!first) return reasons
    const absent = Object.fromEntries(Object.keys(first.key).map((name) => [name, { S: '~ never there' }]))
    const never = {
      ConditionCheck: {
        TableName: first.table,
        Key: absent,
        ConditionExpression: 'attribute_exists(#key)',
        ExpressionAttributeNames: { '#key': Object.keys(absent)[0] ?? '' },
      },
    }
    for (let from = 0; from < TransactItems.length; from += TRANSACTION_ROWS - 1) {
      const part = TransactItems.slice(from, from + TRANSACTION_ROWS - 1)
      try {
        await this.plain.send(new TransactWriteItemsCommand({ TransactItems: [...part, never] }))
      } catch (error) {
        if (!(error instanceof TransactionCanceledException)) throw error
        reasons.push(...(error.CancellationReasons ?? []).slice(0, part.length))
      }
    }
    return reasons
  }
}

class Aws {
  database: Database | undefined
  private readonly behaviour: AwsBehaviour
  private readonly calls = new Map<string, number>()
  private readonly tokens = new Set<string>()
  /** The rows of the last write, as they were before it. */
  private before = new Map<string, Row | undefined>()

  constructor(behaviour: AwsBehaviour) {
    this.behaviour = behaviour
  }

  async answer(
    database: Database,
    command: string,
    input: ServiceInputTypes,
    attempt: number,
    send: Send,
  ): Promise<ServiceOutputTypes> {
    const nth = (this.calls.get(command) ?? 0) + 1
    this.calls.set(command, nth)
    const call = { command, input, nth, attempt }
    const { seed = 1, throttling, lostRequests, lostAnswers } = this.behaviour
    const dice = new Dice(`${seed} ${command} ${nth}`, call)
    // All are drawn in any case, so that switching one behaviour on leaves what the others do as it was.
    const [isThrottled, isRequestLost, isAnswerLost] = [
      dice.happens(throttling),
      dice.happens(lostRequests),
      dice.happens(lostAnswers),
    ]
    if (isThrottled) throw dice.oneOf(throttled)()
    if (isRequestLost) throw dice.oneOf(lost)()
    const output = await this.done(database, call, dice, send)
    if (isAnswerLost) throw dice.oneOf(lost)()
    return output
  }

  private async done(database: Database, call: Call, dice: Dice, send: Send): Promise<ServiceOutputTypes> {
    const { command } = call
    const input: unknown = call.input
    if (SINGLE_WRITES.has(command) && dice.happens(this.behaviour.conflicts)) {
      throw new TransactionConflictException({ ...metadata(), message: reasonTexts.TransactionConflict })
    }
    const written = this.behaviour.staleReads === undefined ? [] : await writtenBy(command, input, database)
    const images = written.length > 0 ? await database.images(written) : undefined
    const output = await this.processed(database, call, dice, send)
    if (images) this.before = images
    return output
  }

  private async processed(database: Database, call: Call, dice: Dice, send: Send): Promise<ServiceOutputTypes> {
    const input: unknown = call.input
    switch (call.command) {
      case 'GetItemCommand':
        return await this.get(database, input as GetItemCommandInput, dice, send)
      case 'QueryCommand':
      case 'ScanCommand':
        return await this.query(database, input as QueryCommandInput, dice, send)
      case 'BatchGetItemCommand':
        return await this.batchGet(database, input as BatchGetItemCommandInput, dice, send)
      case 'BatchWriteItemCommand':
        return await this.batchWrite(database, input as BatchWriteItemCommandInput, dice, send)
      case 'BatchExecuteStatementCommand':
        return await this.statements(database, input as BatchExecuteStatementCommandInput, dice, send)
      case 'TransactWriteItemsCommand':
        return await this.transact(database, call, input as TransactWriteItemsCommandInput, dice, send)
      default:
        return await send()
    }
  }

  private async get(database: Database, input: GetItemCommandInput, dice: Dice, send: Send) {
    const output = (await send()) as GetItemCommandOutput
    const { TableName = '', Key = {}, ConsistentRead } = input
    if (ConsistentRead) return output
    const [Item] = await this.seen(database, TableName, output.Item ? [output.Item] : [], [Key], input, dice)
    const { Item: _, ...rest } = output
    return { ...rest, ...(Item && { Item }) }
  }

  private async query(database: Database, input: QueryCommandInput, dice: Dice, send: Send) {
    const output = (await send()) as QueryCommandOutput
    if (input.ConsistentRead || !output.Items) return output
    const Items = await this.seen(database, input.TableName ?? '', output.Items, [], input, dice)
    return { ...output, Items, Count: Items.length }
  }

  private async batchGet(database: Database, input: BatchGetItemCommandInput, dice: Dice, send: Send) {
    const { RequestItems = {} } = input
    const asked = Object.entries(RequestItems).flatMap(([table, { Keys = [] }]) => Keys.map((key) => ({ table, key })))
    const left = dice.happens(this.behaviour.unprocessed) ? dice.someBut(asked) : new Set<Key>()
    const partOf = (isIncluded: (key: Key) => boolean) =>
      Object.fromEntries(
        Object.entries(RequestItems).flatMap(([table, request]) => {
          const Keys = asked.filter((key) => key.table === table && isIncluded(key)).map(({ key }) => key)
          return Keys.length > 0 ? [[table, { ...request, Keys }]] : []
        }),
      )
    const processed = partOf((key) => !left.has(key))
    const command = new BatchGetItemCommand({ ...input, RequestItems: processed })
    const output = left.size > 0 ? await database.plain.send(command) : ((await send()) as BatchGetItemCommandOutput)
    const Responses: Record<string, Row[]> = { ...output.Responses }
    for (const [table, request] of Object.entries(processed)) {
      if (request.ConsistentRead) continue
      const rows = Responses[table] ?? []
      Responses[table] = await this.seen(database, table, rows, request.Keys, request, dice)
    }
    const UnprocessedKeys = { ...output.UnprocessedKeys, ...partOf((key) => left.has(key)) }
    return { ...output, Responses, UnprocessedKeys }
  }

  private async batchWrite(database: Database, input: BatchWriteItemCommandInput, dice: Dice, send: Send) {
    const asked = Object.entries(input.RequestItems ?? {}).flatMap(([table, requests]) =>
      requests.map((request) => ({ table, request })),
    )
    const left = dice.happens(this.behaviour.unprocessed) ? dice.someBut(asked) : new Set<(typeof asked)[number]>()
    if (left.size === 0) return await send()
    const byTable = (some: typeof asked) => {
      const tables = Map.groupBy(some, ({ table }) => table)
      return Object.fromEntries([...tables].map(([table, of]) => [table, of.map(({ request }) => request)]))
    }
    const RequestItems = byTable(asked.filter((one) => !left.has(one)))
    const output = await database.plain.send(new BatchWriteItemCommand({ ...input, RequestItems }))
    return { ...output, UnprocessedItems: byTable([...left]) }
  }

  private async statements(database: Database, input: BatchExecuteStatementCommandInput, dice: Dice, send: Send) {
    const { Statements = [] } = input
    const failed = dice.happens(this.behaviour.failedStatements) ? dice.some(Statements) : new Set()
    if (failed.size === 0) return await send()
    const executed = Statements.filter((statement) => !failed.has(statement))
    const { Responses = [], ...output }: BatchExecuteStatementCommandOutput =
      executed.length === 0
        ? metadata(200)
        : await database.plain.send(new BatchExecuteStatementCommand({ ...input, Statements: executed }))
    const answers = Responses[Symbol.iterator]()
    return {
      ...output,
      Responses: Statements.map((statement) => {
        if (!failed.has(statement)) return answers.next().value ?? {}
        const Code = dice.oneOf(passingReasons)
        return { Error: { Code, Message: reasonTexts[Code] } }
      }),
    }
  }

  private async transact(
    database: Database,
    call: Call,
    input: TransactWriteItemsCommandInput,
    dice: Dice,
    send: Send,
  ) {
    const { cancellations = 0, forgottenTokens, tokensInProgress } = this.behaviour
    const token = input.ClientRequestToken
    const isRepeated = token !== undefined && this.tokens.has(token)
    if (token !== undefined) this.tokens.add(token)
    if (dice.happens(tokensInProgress) && isRepeated) {
      throw new TransactionInProgressException({ ...metadata(), message: 'The transaction is in progress.' })
    }
    const cancelled = typeof cancellations === 'number' ? dice.happens(cancellations) : cancellations(call)
    if (cancelled) {
      const CancellationReasons = await this.reasons(database, input, cancelled, dice)
      const codes = CancellationReasons.map(({ Code }) => Code)
      if (codes.some((code) => code !== 'None')) {
        const message = `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes.join(', ')}]`
        throw new TransactionCanceledException({ ...metadata(), message, CancellationReasons })
      }
    }
    if (!dice.happens(forgottenTokens)) return await send()
    const { ClientRequestToken: _, ...fresh } = input
    return await database.plain.send(new TransactWriteItemsCommand(fresh))
  }

  private async reasons(
    database: Database,
    input: TransactWriteItemsCommandInput,
    cancelled: true | readonly (PassingReason | undefined)[],
    dice: Dice,
  ): Promise<CancellationReason[]> {
    const deserved = await database.judge(input)
    const passing = (Code: PassingReason): CancellationReason => ({ Code, Message: reasonTexts[Code] })
    if (cancelled !== true) {
      return deserved.map((reason, row) => {
        const code = cancelled[row]
        return code === undefined ? reason : passing(code)
      })
    }
    const disturbed = dice.some(deserved)
    return deserved.map((reason) => (disturbed.has(reason) ? passing(dice.oneOf(passingReasons)) : reason))
  }

  /** The rows of an answer as a replica shows them that may lack the last write. */
  private async seen(
    database: Database,
    table: string,
    rows: readonly Row[],
    asked: readonly Row[],
    projection: Projection,
    dice: Dice,
  ): Promise<Row[]> {
    const { staleReads } = this.behaviour
    if (staleReads === undefined || this.before.size === 0) return [...rows]
    const seen: Row[] = []
    const current = new Map<string, Row>()
    for (const row of rows) current.set(await database.nameOf(table, row), row)
    const names = new Set(current.keys())
    for (const key of asked) names.add(await database.nameOf(table, key))
    for (const name of names) {
      const isStale = dice.happens(staleReads) && this.before.has(name)
      const before = this.before.get(name)
      const row = isStale ? before && project(before, projection) : current.get(name)
      if (row) seen.push(row)
    }
    return seen
  }
}

/** What one call meets. */
class Dice {
  private readonly random: () => number
  private readonly call: Call

  constructor(seed: string, call: Call) {
    let hash = 0x811c9dc5
    for (const character of seed) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193)
    this.random = mulberry32(hash)
    this.call = call
  }

  happens(chance: Chance | undefined = 0): boolean {
    const drawn = this.random()
    const given = typeof chance === 'function' ? chance(this.call) : chance
    return typeof given === 'boolean' ? given : drawn < given
  }

  oneOf<T>(choices: readonly T[]): T {
    const [first] = choices
    if (first === undefined) throw new Error('Dice: there is nothing to choose from. Give one choice at least.')
    return choices[Math.floor(this.random() * choices.length)] ?? first
  }

  /** One at least. */
  some<T>(of: readonly T[]): Set<T> {
    const chosen = new Set(of.filter(() => this.random() < 0.5))
    if (chosen.size === 0 && of.length > 0) chosen.add(this.oneOf(of))
    return chosen
  }

  /** Not all of them; none of a single one. */
  someBut<T>(of: readonly T[]): Set<T> {
    const chosen = this.some(of)
    if (chosen.size === of.length && of.length > 0) chosen.delete(this.oneOf(of))
    return chosen
  }
}

type Projection = Pick<GetItemCommandInput, 'ProjectionExpression' | 'ExpressionAttributeNames'>

/** Top-level attributes only, which is all that the adapters ask for. */
function project(row: Row, { ProjectionExpression, ExpressionAttributeNames = {} }: Projection): Row {
  if (ProjectionExpression === undefined) return row
  const names = ProjectionExpression.split(',').map((name) => name.trim())
  const attributes = names.map((name) => ExpressionAttributeNames[name] ?? name)
  return Object.fromEntries(attributes.flatMap((name) => (row[name] ? [[name, row[name]]] : [])))
}

/** The keys of the rows that a command writes, those of PartiQL statements left out. */
async function writtenBy(command: string, input: unknown, database: Database): Promise<Key[]> {
  const writes: { TableName?: string | undefined; Item?: Row | undefined; Key?: Row | undefined }[] = []
  if (SINGLE_WRITES.has(command)) writes.push(input as { TableName: string })
  if (command === 'BatchWriteItemCommand') {
    const { RequestItems = {} } = input as BatchWriteItemCommandInput
    for (const [TableName, requests] of Object.entries(RequestItems)) {
      writes.push(...requests.map((request) => ({ TableName, ...request.PutRequest, ...request.DeleteRequest })))
    }
  }
  if (command === 'TransactWriteItemsCommand') {
    const { TransactItems = [] } = input as TransactWriteItemsCommandInput
    writes.push(
      ...TransactItems.flatMap(
        ({ Put, Update, Delete, ConditionCheck }) => Put ?? Update ?? Delete ?? ConditionCheck ?? [],
      ),
    )
  }
  return await Promise.all(
    writes.map(async ({ TableName: table = '', Item, Key }) => ({
      table,
      key: await database.keyOf(table, Item ?? Key ?? {}),
    })),
  )
}
