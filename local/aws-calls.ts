/**
 * What the functions ask of DynamoDB and S3, as IAM would judge it: who calls, which action, on what. Each function of a stack signs
 * with an access key of its own, as its role's would be, and a signed request names its key.
 */
import { Buffer } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { type FunctionName, functions } from '../infra/functions.ts'
import { type RouterTableName, routerTables, type TableName, type TableSettings, tables } from '../infra/tables.ts'
import { localTableName } from './dynamodb.ts'

export interface AwsCall {
  caller: FunctionName
  /** As IAM names it. What a transaction holds is authorised call by call. */
  action: string
  on: CalledResource
}

export type CalledResource =
  /** With the partition key of the row, where the call names one. */
  | { table: TableName | RouterTableName; key: string | undefined }
  /** With the object's key, where it is about an object. */
  | { bucket: true; key: string | undefined }
  /** Nothing that this knows, and so nothing that anybody could have been allowed. */
  | { unknown: string }

/** The access key of a function: DynamoDB Local wants letters and digits. */
export const accessKeyOf = (name: FunctionName): string => `local${name}`

const isFunctionName = (name: string): name is FunctionName => Object.hasOwn(functions, name)

/** Whose access key a request was signed with; undefined for what is no function: the stack itself, a command. */
export const callerOf = (authorization = ''): FunctionName | undefined => {
  const [, name = ''] = /Credential=local([^/]+)\//.exec(authorization) ?? []
  return isFunctionName(name) ? name : undefined
}

/** For a proxy: tells of each call that a function makes. */
export const recordCalls =
  (onCall: (call: AwsCall) => void) =>
  (request: IncomingMessage): void => {
    const caller = callerOf(request.headers.authorization)
    if (caller === undefined) return
    const { method = '', url = '', headers } = request
    const target = headers['x-amz-target']
    if (typeof target !== 'string') {
      onCall({ caller, ...s3Call(method, url) })
      return
    }
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.once('end', () => {
      for (const call of dynamodbCalls(target, JSON.parse(Buffer.concat(chunks).toString())))
        onCall({ caller, ...call })
    })
  }

/** A request to DynamoDB that a function made, and its answer, both parsed. */
export interface DynamoDbExchange {
  caller: FunctionName
  /** Such as `PutItem`. */
  operation: string
  request: unknown
  answer: unknown
}

/** For a proxy: tells of each request to DynamoDB that a function makes, when it is answered. */
export const recordDynamoDb =
  (onExchange: (exchange: DynamoDbExchange) => void) =>
  (request: IncomingMessage, onAnswer: (listen: (answer: IncomingMessage) => void) => void): void => {
    const target = request.headers['x-amz-target']
    const caller = callerOf(request.headers.authorization)
    if (typeof target !== 'string' || caller === undefined) return
    const asked = bytesOf(request)
    onAnswer((answer) => {
      const answered = bytesOf(answer)
      answer.once('end', () => {
        const [body, result] = [asked, answered].map((chunks): unknown => JSON.parse(Buffer.concat(chunks).toString()))
        onExchange({ caller, operation: target.slice(target.indexOf('.') + 1), request: body, answer: result })
      })
    })
  }

/** The pieces of a body as they come. */
function bytesOf(message: IncomingMessage): Buffer[] {
  const chunks: Buffer[] = []
  message.on('data', (chunk: Buffer) => chunks.push(chunk))
  return chunks
}

type Called = Omit<AwsCall, 'caller'>

/** One row of a request, or a whole table. */
interface RowRequest {
  TableName?: string
  Key?: Row
  Item?: Row
}
type Row = Readonly<Record<string, { S?: string }>>

interface DynamodbRequest extends RowRequest {
  TransactItems?: readonly Readonly<Record<string, RowRequest>>[]
  RequestItems?: Readonly<Record<string, BatchRequest>>
  Statement?: string
  Statements?: readonly { Statement: string }[]
}

/** Of one table: rows to be read, or to be written. */
type BatchRequest = { Keys: readonly Row[] } | readonly Readonly<Record<string, RowRequest>>[]

/** @param target the header `X-Amz-Target`: version and operation. @param body of the request, parsed */
export const dynamodbCalls = (target: string, body: DynamodbRequest): Called[] => {
  const operation = target.slice(target.indexOf('.') + 1)
  switch (operation) {
    case 'TransactWriteItems':
    case 'TransactGetItems':
      return (body.TransactItems ?? []).flatMap((item) =>
        Object.entries(item).map(([kind, row]) =>
          call(kind === 'ConditionCheck' ? 'ConditionCheckItem' : `${kind}Item`, row.TableName, rowOf(row)),
        ),
      )
    case 'BatchGetItem':
    case 'BatchWriteItem':
      return Object.entries(body.RequestItems ?? {}).flatMap(([table, request]) =>
        rowsOf(request).map((row) => call(operation, table, row)),
      )
    case 'ExecuteStatement':
    case 'BatchExecuteStatement':
      return [...(body.Statements ?? []), ...(body.Statement ? [{ Statement: body.Statement }] : [])].map(partiqlCall)
    default:
      return [call(operation, body.TableName, rowOf(body))]
  }
}

const rowOf = ({ Key, Item }: RowRequest): Row | undefined => Key ?? Item

const rowsOf = (request: BatchRequest): readonly (Row | undefined)[] =>
  'Keys' in request ? request.Keys : request.flatMap((one) => Object.values(one).map(rowOf))

const verbs: Readonly<Record<string, string>> = {
  INSERT: 'PartiQLInsert',
  UPDATE: 'PartiQLUpdate',
  DELETE: 'PartiQLDelete',
  SELECT: 'PartiQLSelect',
}

const partiqlCall = ({ Statement }: { Statement: string }): Called => {
  const [, verb = ''] = /^\s*(\w+)/.exec(Statement) ?? []
  const [, table] = /^\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|SELECT\s.*?\sFROM)\s+"([^"]+)"/is.exec(Statement) ?? []
  return call(verbs[verb.toUpperCase()] ?? verb, table, undefined)
}

const all: Readonly<Record<TableName | RouterTableName, TableSettings>> = { ...tables, ...routerTables }
const tableNames = new Map(
  Object.keys(all).flatMap((name) => (isTableName(name) ? [[localTableName(name), name] as const] : [])),
)

function isTableName(name: string): name is TableName | RouterTableName {
  return Object.hasOwn(all, name)
}

const call = (operation: string, tableName: string | undefined, row: Row | undefined): Called => {
  const action = `dynamodb:${operation}`
  const table = tableNames.get(tableName ?? '')
  if (table === undefined) return { action, on: { unknown: `table ${tableName}` } }
  return { action, on: { table, key: row?.[all[table].hashKey]?.S } }
}

/** Of a request to S3 whose path begins with the bucket's name. @param url path and query */
export const s3Call = (method: string, url: string): Called => {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  const [, , path = ''] = /^\/([^/]+)\/?(.*)$/s.exec(pathname) ?? []
  if (path === '') {
    const isList = method === 'HEAD' || (method === 'GET' && (searchParams.size === 0 || searchParams.has('list-type')))
    return isList
      ? { action: 's3:ListBucket', on: { bucket: true, key: undefined } }
      : { action: `s3:${method}`, on: { unknown: `the bucket: ${method} ${url}` } }
  }
  const actions: Readonly<Record<string, string>> = {
    GET: 's3:GetObject',
    HEAD: 's3:GetObject',
    PUT: 's3:PutObject',
    DELETE: 's3:DeleteObject',
  }
  return { action: actions[method] ?? `s3:${method}`, on: { bucket: true, key: decodeURIComponent(path) } }
}
