import { createHeightStore } from '../../../db/dynamodb/height-store.ts'
import { createIdentityStore } from '../../../db/dynamodb/identity-store.ts'
import { createLocationStore } from '../../../db/dynamodb/location-store.ts'
import { heightStoreSuite } from '../../suites/height-store.ts'
import { locationStoreSuite } from '../../suites/location-store.ts'
import { logIdentitySuite } from '../../suites/log-identity.ts'
import { useDynamoDb } from './local.ts'

const db = useDynamoDb()
heightStoreSuite('DynamoDB', () => createHeightStore(db()))
logIdentitySuite('DynamoDB', () => createIdentityStore(db()))
locationStoreSuite('DynamoDB', () => createLocationStore(db()))
