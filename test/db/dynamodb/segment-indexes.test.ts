/** The indexes of segments in DynamoDB keep to the behaviours of their port. */
import { createSegmentIndexes } from '../../../db/dynamodb/segment-indexes.ts'
import { segmentIndexesSuite } from '../../suites/segment-stores.ts'
import { useDynamoDb } from './local.ts'

const db = useDynamoDb()
segmentIndexesSuite('DynamoDB', () => createSegmentIndexes(db()))
