/**
 * DynamoDB's units by AWS's rules, from the rows of a request and its answer. (DynamoDB Local reports other numbers than AWS
 * bills: four write units for any transaction's row.) https://docs.aws.amazon.com/amazondynamodb, "read and write operations".
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb'

type Row = Record<string, AttributeValue>

const utf8 = (text: string) => Buffer.byteLength(text)

function valueBytes(value: AttributeValue): number {
  if (value.S !== undefined) return utf8(value.S)
  // As bytes, or as it is on the wire: base64.
  const bytes: unknown = value.B
  if (bytes !== undefined)
    return typeof bytes === 'string' ? Buffer.byteLength(bytes, 'base64') : Buffer.from(bytes as Uint8Array).length
  // A byte for each two digits, and one.
  if (value.N !== undefined) return Math.ceil(value.N.replace(/^-?0*|\./g, '').length / 2) + 1
  if (value.M !== undefined) return 3 + rowBytes(value.M) + Object.keys(value.M).length
  if (value.L !== undefined) return 3 + value.L.reduce((sum, one) => sum + valueBytes(one) + 1, 0)
  return 1
}

/** A row's size by DynamoDB's rules, bytes. */
export const rowBytes = (row: Row): number =>
  Object.entries(row).reduce((sum, [name, value]) => sum + utf8(name) + valueBytes(value), 0)

const writeUnits = (row: Row) => Math.max(1, Math.ceil(rowBytes(row) / 1024))
const readUnits = (row: Row | undefined, consistent: boolean) =>
  (Math.max(1, Math.ceil(rowBytes(row ?? {}) / 4096)) * (consistent ? 2 : 1)) / 2

interface Action {
  Put?: { Item?: Row | undefined } | undefined
  Update?: { Key?: Row | undefined } | undefined
}

export interface UnitsInput {
  TransactItems?: Action[]
  ConsistentRead?: boolean
  RequestItems?: Record<string, { ConsistentRead?: boolean }>
  Statements?: { Statement?: string | undefined; Parameters?: AttributeValue[] | undefined }[] | undefined
}

export interface UnitsOutput {
  Item?: Row
  Items?: Row[]
  Responses?: Record<string, Row[]>
}

/** The row of an insert as db/dynamodb/insert.ts writes it: names in the statement, values beside it. */
function insertedRow({
  Statement = '',
  Parameters = [],
}: {
  Statement?: string | undefined
  Parameters?: AttributeValue[] | undefined
}): Row {
  const names = [...Statement.matchAll(/'([^']+)': \?/g)].map(([, name = '']) => name)
  return Object.fromEntries(Parameters.map((value, index) => [names[index] ?? '', value]))
}

/** Rows of a batch to be written. */
interface WriteRequest {
  PutRequest?: { Item?: Row }
}

/** Write units of a request as it is on the wire; what a batch deletes counts as one each. */
export function writeUnitsOf(operation: string, body: unknown): number {
  const request = body as UnitsInput & { RequestItems?: Record<string, WriteRequest[]> }
  if (operation !== 'BatchWriteItem') return unitsOf(`${operation}Command`, request, {}).write
  const rows = Object.values(request.RequestItems ?? {}).flat()
  return rows.reduce((sum, { PutRequest }) => sum + (PutRequest?.Item ? writeUnits(PutRequest.Item) : 1), 0)
}

/** Units of one call: a transaction counts double; an update here is always of a row under 1 KB (a head, a watermark). */
export function unitsOf(command: string, input: UnitsInput, output: UnitsOutput): { write: number; read: number } {
  switch (command) {
    case 'TransactWriteItemsCommand': {
      const units = (input.TransactItems ?? []).map(({ Put }) => (Put?.Item ? writeUnits(Put.Item) : 1))
      return { write: 2 * units.reduce((sum, one) => sum + one, 0), read: 0 }
    }
    case 'BatchExecuteStatementCommand':
      return { write: (input.Statements ?? []).reduce((sum, one) => sum + writeUnits(insertedRow(one)), 0), read: 0 }
    case 'PutItemCommand':
    case 'UpdateItemCommand':
    case 'DeleteItemCommand':
      return { write: 1, read: 0 }
    case 'GetItemCommand':
      return { write: 0, read: readUnits(output.Item, input.ConsistentRead ?? false) }
    case 'QueryCommand': {
      const bytes = (output.Items ?? []).reduce((sum, row) => sum + rowBytes(row), 0)
      return { write: 0, read: (Math.max(1, Math.ceil(bytes / 4096)) * (input.ConsistentRead ? 2 : 1)) / 2 }
    }
    case 'BatchGetItemCommand': {
      const [consistent] = Object.values(input.RequestItems ?? {}).map((request) => request.ConsistentRead ?? false)
      const rows = Object.values(output.Responses ?? {}).flat()
      return { write: 0, read: rows.reduce((sum, row) => sum + readUnits(row, consistent ?? false), 0) }
    }
    default:
      return { write: 0, read: 0 }
  }
}
