/**
 * Many new rows, none of them over one that is there. BatchWriteItem takes no conditions, a transaction costs twice the units,
 * and a PutItem for each row ten times the processor's time: so these are PartiQL inserts, 25 a call, each of which is refused
 * by itself where its key is there. (Who runs this needs `dynamodb:PartiQLInsert` on the table.)
 */
import { BatchExecuteStatementCommand, type BatchStatementRequest } from '@aws-sdk/client-dynamodb'
import pMap from 'p-map'
import pRetry, { type Options } from 'p-retry'
import type { DynamoDb } from './client.ts'
import { isMistake } from './failures.ts'
import type { Attributes } from './head-row.ts'
import { rowBytes } from './row-size.ts'

const ROWS_A_CALL = 25
const BYTES_A_CALL = 1_000_000
const CALLS_AT_ONCE = 8

/** Whoever brings in millions of rows meets throttling for minutes: as long as a call brings some in, it goes on. */
const RETRIES: Options = {
  retries: 12,
  minTimeout: 20,
  maxTimeout: 1_000,
  randomize: true,
  shouldRetry: ({ error }) => !(error instanceof RefusedStatement) && !isMistake(error),
}

/** What no repetition helps. */
class RefusedStatement extends Error {
  constructor(code: string | undefined, message: string | undefined) {
    super(message)
    // As the same mistake is named in any other call (failures.ts).
    this.name = code === 'ValidationError' ? 'ValidationException' : (code ?? 'RefusedStatement')
  }
}

/** Refusals that say nothing of the row. */
const PASSING: readonly string[] = [
  'InternalServerError',
  'ProvisionedThroughputExceeded',
  'RequestLimitExceeded',
  'ThrottlingError',
  'TransactionConflict',
]

/** Gives the rows whose keys were there already, in no order. No two of the rows may have the same key. Throws what the SDK throws. */
export async function insertAll(
  { client }: Pick<DynamoDb, 'client'>,
  table: string,
  rows: readonly Attributes[],
): Promise<Attributes[]> {
  const there: Attributes[] = []
  const insert = async (batch: Attributes[]): Promise<void> => {
    let left = batch
    const attempt = async (): Promise<void> => {
      const asked = left
      const Statements = asked.map((row) => statement(table, row))
      const { Responses = [] } = await client.send(new BatchExecuteStatementCommand({ Statements }))
      left = asked.filter((row, index) => {
        const refusal = Responses[index]?.Error
        if (!refusal) return false
        if (refusal.Code === 'DuplicateItem') there.push(row)
        else if (PASSING.includes(refusal.Code ?? '')) return true
        else throw new RefusedStatement(refusal.Code, refusal.Message)
        return false
      })
      if (left.length === asked.length) throw new Error(`all of ${asked.length} rows were throttled`)
    }
    while (left.length > 0) await pRetry(attempt, RETRIES)
  }
  await pMap(batchesOf(rows), insert, { concurrency: CALLS_AT_ONCE })
  return there
}

const statement = (table: string, row: Attributes): BatchStatementRequest => ({
  Statement: `INSERT INTO "${table}" VALUE {${Object.keys(row)
    .map((name) => `'${name}': ?`)
    .join(', ')}}`,
  Parameters: Object.values(row),
})

function batchesOf(rows: readonly Attributes[]): Attributes[][] {
  const batches: Attributes[][] = []
  let bytes = 0
  for (const row of rows) {
    const size = rowBytes(row)
    const last = batches.at(-1)
    if (last && last.length < ROWS_A_CALL && bytes + size <= BYTES_A_CALL) {
      last.push(row)
      bytes += size
    } else {
      batches.push([row])
      bytes = size
    }
  }
  return batches
}
