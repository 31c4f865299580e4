import { randomBytes } from 'node:crypto'
import type { BatchExecuteStatementCommandInput, BatchExecuteStatementCommandOutput } from '@aws-sdk/client-dynamodb'
import { expect, it } from 'vitest'
import { createDynamoDbClient } from '../../../db/dynamodb/client.ts'
import { insertAll } from '../../../db/dynamodb/insert.ts'
import { createLogFence } from '../../../db/dynamodb/log-fence.ts'
import { createLogImport } from '../../../db/dynamodb/log-import.ts'
import { createLogReader } from '../../../db/dynamodb/log-reader.ts'
import { createLogStore } from '../../../db/dynamodb/log-store.ts'
import { recordRows } from '../../../db/dynamodb/record-row.ts'
import { createFakeSigner } from '../../fakes/signer.ts'
import { mulberry32 } from '../../fakes/virtual-clock.ts'
import { logImportSuite } from '../../suites/log-import.ts'
import { useDynamoDb } from './local.ts'

const db = useDynamoDb()
const signer = createFakeSigner()
logImportSuite('DynamoDB', () => ({
  store: createLogStore(db(), signer.owner),
  imports: createLogImport(db(), signer.owner),
  fence: createLogFence(db()),
  signer,
}))

/** A client to the same tables whose batches are spoilt: statements refused, or answers lost. */
async function spoiltClient(refusal: () => string | undefined, lost: () => boolean) {
  const endpoint = await db().client.config.endpoint?.()
  const client = createDynamoDbClient({ endpoint: `http://127.0.0.1:${endpoint?.port}` })
  client.middlewareStack.add(
    (next) => async (args) => {
      const input = args.input as BatchExecuteStatementCommandInput
      if (!input.Statements) return next(args)
      const refusals = input.Statements.map(refusal)
      const Statements = input.Statements.filter((_, index) => refusals[index] === undefined)
      if (Statements.length === 0) throw Object.assign(new Error('slow down'), { name: 'ThrottlingException' })
      const result = await next({ ...args, input: { ...input, Statements } as typeof args.input })
      if (lost()) throw Object.assign(new Error('no answer'), { name: 'TimeoutError' })
      const output = result.output as BatchExecuteStatementCommandOutput
      const answers = [...(output.Responses ?? [])]
      const Responses = refusals.map((Code) => (Code === undefined ? (answers.shift() ?? {}) : { Error: { Code } }))
      return { ...result, output: { ...output, Responses } as typeof result.output }
    },
    { step: 'initialize' },
  )
  return client
}

const record = (process: string, nonce: number) =>
  ({
    process,
    nonce,
    kind: 'transaction',
    id: randomBytes(32).toString('base64url'),
    assignmentId: randomBytes(32).toString('base64url'),
    timestamp: nonce,
    timeKey: nonce,
    blockHeight: 1,
  }) as const

it('an import goes through throttling and lost answers', async () => {
  const random = mulberry32(7)
  const codes = ['ThrottlingError', 'ProvisionedThroughputExceeded', 'InternalServerError', 'TransactionConflict']
  const client = await spoiltClient(
    () => (random() < 0.3 ? codes[Math.floor(random() * codes.length)] : undefined),
    () => random() < 0.2,
  )
  const process = randomBytes(32).toString('base64url')
  const records = Array.from({ length: 120 }, (_, nonce) => record(process, nonce))
  await createLogImport({ ...db(), client }, signer.owner).add(records)
  const read = await createLogReader(db(), recordRows(signer.owner)).records(process, 0, 119)
  expect(read.map(({ id }) => id)).toEqual(records.map(({ id }) => id))
  client.destroy()
}, 30_000)

it('an import that is refused altogether is unavailable, and a wrong statement is a bug', async () => {
  const process = randomBytes(32).toString('base64url')
  const away = createDynamoDbClient({ endpoint: 'http://127.0.0.1:9' })
  await expect(
    createLogImport({ ...db(), client: away }, signer.owner).begin({
      process,
      timestamp: 1,
      blockHeight: 1,
      epoch: 0,
      firstNonce: 0,
      settlementDepth: 20,
    }),
  ).rejects.toMatchObject({ code: 'unavailable' })
  away.destroy()
  let asked = 0
  const wrong = await spoiltClient(
    () => (asked++ === 0 ? undefined : 'ValidationError'),
    () => false,
  )
  const rows = ['one', 'two'].map((pk) => ({ pk: { S: pk + randomBytes(8).toString('hex') } }))
  const insert = insertAll({ client: wrong }, db().tables.records, rows)
  await expect(insert).rejects.toMatchObject({ name: 'ValidationException' })
  wrong.destroy()
})
