import { createLogStore } from '../../../db/dynamodb/log-store.ts'
import { createFakeSigner } from '../../fakes/signer.ts'
import { logStoreSuite } from '../../suites/log-store.ts'
import { useDynamoDb } from './local.ts'

const db = useDynamoDb()
const signer = createFakeSigner()
logStoreSuite('DynamoDB', () => ({ store: createLogStore(db(), signer.owner), signer }))
