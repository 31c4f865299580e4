/**
 * The adapters of DynamoDB keep to their ports where DynamoDB does all that AWS documents: the suites of the plain run once more, over
 * `test/aws/dynamodb-as-aws.ts`. A behaviour is left out only where a port passes it on to its caller.
 */
import { CreateTableCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { beforeAll } from 'vitest'
import type { LogStore } from '../../../core/ports/log-store.ts'
import type { SubmissionQueue } from '../../../core/ports/submission-queue.ts'
import { toHeadRow } from '../../../db/dynamodb/head-row.ts'
import { createHeightStore } from '../../../db/dynamodb/height-store.ts'
import { createIdentityStore } from '../../../db/dynamodb/identity-store.ts'
import { createLogFence } from '../../../db/dynamodb/log-fence.ts'
import { createLogImport } from '../../../db/dynamodb/log-import.ts'
import { createLogInspection } from '../../../db/dynamodb/log-inspection.ts'
import { createLogRestore } from '../../../db/dynamodb/log-restore.ts'
import { createLogStore } from '../../../db/dynamodb/log-store.ts'
import { createPlacementStore } from '../../../db/dynamodb/placement-store.ts'
import { createRelayStore } from '../../../db/dynamodb/relay-store.ts'
import { createSegmentIndexes } from '../../../db/dynamodb/segment-indexes.ts'
import { createSubmissionQueue } from '../../../db/dynamodb/submission-queue.ts'
import { routerTables } from '../../../infra/tables.ts'
import { type AwsBehaviour, useAws } from '../../aws/dynamodb-as-aws.ts'
import { createFakeSigner } from '../../fakes/signer.ts'
import { heightStoreSuite } from '../../suites/height-store.ts'
import { logIdentitySuite } from '../../suites/log-identity.ts'
import { logImportSuite } from '../../suites/log-import.ts'
import { logInspectionSuite } from '../../suites/log-inspection.ts'
import { logRestoreSuite } from '../../suites/log-restore.ts'
import { logStoreSuite } from '../../suites/log-store.ts'
import { placementStoreBehaviours } from '../../suites/placement-store.ts'
import { relayStoreBehaviours } from '../../suites/relay-store.ts'
import { segmentIndexesSuite } from '../../suites/segment-stores.ts'
import { submissionQueueSuite } from '../../suites/submission-queue.ts'
import { useDynamoDb } from './local.ts'

const db = useDynamoDb()
const signer = createFakeSigner()
const name = 'DynamoDB as AWS'

/** What an adapter hides from its caller altogether. */
const hidden: AwsBehaviour = {
  staleReads: 1,
  unprocessed: 0.5,
  failedStatements: 0.5,
  cancellations: 0.3,
  throttling: 0.03,
  // An update whose answer is lost is refused when the SDK repeats it: the port's answer is "no" then, and the caller looks again.
  lostAnswers: ({ command }) => (command === 'UpdateItemCommand' ? 0 : 0.03),
}
/** Rows that transactions write too. */
const contended = useAws(db, { ...hidden, conflicts: 0.3 })
/** For reads that may lag by their port: they are repeated until they show what was written. */
const lagging = useAws(db, { ...hidden, staleReads: 0.5 })

/** A commit or a spawn that was not done, or perhaps done, is made again with its token, as the sequencer does. */
function persistent(store: LogStore): LogStore {
  const persist = async <T extends { kind: string }>(write: () => Promise<T>): Promise<T> => {
    for (;;) {
      const outcome = await write()
      if (outcome.kind !== 'busy' && outcome.kind !== 'unanswered') return outcome
    }
  }
  return {
    ...store,
    commit: (commit) => persist(() => store.commit(commit)),
    spawn: (spawn) => persist(() => store.spawn(spawn)),
  }
}

/** All that several looks show: each may lack what was just written, or be left unprocessed. */
function patient(submissionQueue: SubmissionQueue): SubmissionQueue {
  const looks = <T>(look: () => Promise<T>) => Promise.all(Array.from({ length: 12 }, look))
  return {
    ...submissionQueue,
    async outcomes(process, submissions) {
      const seen = await looks(() => submissionQueue.outcomes(process, submissions))
      return new Map(seen.flatMap((outcomes) => [...outcomes]))
    },
    async news(process, submissions) {
      const seen = await looks(() => submissionQueue.news(process, submissions))
      const outcomes = new Map(seen.flatMap((news) => [...news.outcomes]))
      const { head } = seen.find((news) => news.head) ?? {}
      return { outcomes, ...(head && { head }) }
    },
  }
}

const log = () => persistent(createLogStore(contended(), signer.owner))
logStoreSuite(name, () => ({ store: log(), signer }))
logImportSuite(name, () => ({
  store: log(),
  imports: createLogImport(contended(), signer.owner),
  fence: createLogFence(contended()),
  signer,
}))
logRestoreSuite(name, () => ({
  store: log(),
  imports: createLogImport(contended(), signer.owner),
  restore: createLogRestore(contended(), signer.owner),
  signer,
}))
logInspectionSuite(name, () => ({
  inspection: createLogInspection(contended(), signer.owner),
  imports: createLogImport(contended(), signer.owner),
  spoil: async (process, nonce) => {
    const Item = { pk: { S: `${process}/${nonce}` } }
    await db().client.send(new PutItemCommand({ TableName: db().tables.records, Item }))
  },
}))
submissionQueueSuite(name, () => ({
  submissionQueue: patient(createSubmissionQueue(lagging())),
  store: persistent(createLogStore(lagging(), signer.owner)),
  signer,
}))
relayStoreBehaviours(name, () => ({
  store: createRelayStore(lagging()),
  async moveHead(process, next, firstNonce = 0) {
    const head = { timestamp: 1, blockHeight: 1, epoch: 0, settlementDepth: 20, state: 'open' } as const
    const Item = toHeadRow({ process, next, firstNonce, ...head })
    await db().client.send(new PutItemCommand({ TableName: db().tables.heads, Item }))
  },
}))
segmentIndexesSuite(name, () => createSegmentIndexes(lagging()))
heightStoreSuite(name, () => createHeightStore(lagging()))
logIdentitySuite(name, () => createIdentityStore(contended()))

const table = 'placements'
beforeAll(async () => {
  const { hashKey } = routerTables.placements
  await db().client.send(
    new CreateTableCommand({
      TableName: table,
      AttributeDefinitions: [{ AttributeName: hashKey, AttributeType: 'S' }],
      KeySchema: [{ AttributeName: hashKey, KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }),
  )
})
placementStoreBehaviours(name, () => createPlacementStore({ home: contended().client, near: lagging().client, table }))
