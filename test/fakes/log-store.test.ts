import { logStoreSuite } from '../suites/log-store.ts'
import { FakeLogStore } from './log-store.ts'
import { createFakeSigner } from './signer.ts'

const signer = createFakeSigner()
const store = new FakeLogStore()
logStoreSuite('in memory', () => ({ store, signer }))
