import { submissionQueueSuite } from '../suites/submission-queue.ts'
import { FakeLogStore } from './log-store.ts'
import { createFakeSigner } from './signer.ts'
import { FakeSubmissionQueue } from './submission-queue.ts'

const store = new FakeLogStore()
const submissionQueue = new FakeSubmissionQueue(store)
const signer = createFakeSigner()
submissionQueueSuite('in memory', () => ({ submissionQueue, store, signer }))
