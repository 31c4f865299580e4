import { logImportSuite } from '../suites/log-import.ts'
import { FakeLogFence } from './log-fence.ts'
import { FakeLogImport } from './log-import.ts'
import { FakeLogStore } from './log-store.ts'
import { createFakeSigner } from './signer.ts'

const signer = createFakeSigner()
const store = new FakeLogStore()
const imports = new FakeLogImport(store)
const fence = new FakeLogFence(store)
logImportSuite('in memory', () => ({ store, imports, fence, signer }))
