/** The fake stores of segments keep to the behaviours of their ports. */
import { segmentIndexesSuite, segmentObjectsSuite } from '../suites/segment-stores.ts'
import { FakeSegmentIndexes, FakeSegmentObjects } from './segment-stores.ts'

const [objects, indexes] = [new FakeSegmentObjects(), new FakeSegmentIndexes()]
segmentObjectsSuite('the fake', () => objects)
segmentIndexesSuite('the fake', () => indexes)
