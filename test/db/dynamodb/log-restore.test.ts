import { expect, it } from 'vitest'
import { createDynamoDb } from '../../../db/dynamodb/client.ts'
import { createLogImport } from '../../../db/dynamodb/log-import.ts'
import { createLogRestore } from '../../../db/dynamodb/log-restore.ts'
import { createLogStore } from '../../../db/dynamodb/log-store.ts'
import { createFakeSigner } from '../../fakes/signer.ts'
import { logRestoreSuite } from '../../suites/log-restore.ts'
import { useDynamoDb } from './local.ts'

const db = useDynamoDb()
const signer = createFakeSigner()

logRestoreSuite('DynamoDB', () => ({
  store: createLogStore(db(), signer.owner),
  imports: createLogImport(db(), signer.owner),
  restore: createLogRestore(db(), signer.owner),
  signer,
}))

it('is unavailable where DynamoDB is', { timeout: 30_000 }, async () => {
  const { client, tables } = createDynamoDb(db().tables, 'http://127.0.0.1:9')
  const restore = createLogRestore({ client, tables }, signer.owner)
  const head = { process: 'p', state: 'open', next: 0, timestamp: 1, blockHeight: 1, epoch: 0 } as const
  const whole = { ...head, firstNonce: 0, settlementDepth: 20 } as const
  const first = (pages: AsyncIterable<unknown>) => pages[Symbol.asyncIterator]().next()
  const calls = [
    first(restore.heads()),
    first(restore.records()),
    first(restore.ids()),
    restore.recordsAt('p', [1]),
    restore.notFound('p', ['a']),
    restore.replaceHead(undefined, whole),
    restore.removeHead(whole),
    restore.forgetIds(new Map([['p', 1]])),
  ]
  for (const outcome of await Promise.allSettled(calls)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } })
  }
  client.destroy()
})
