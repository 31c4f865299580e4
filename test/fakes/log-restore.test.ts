import { beforeEach } from 'vitest'
import { logRestoreSuite } from '../suites/log-restore.ts'
import { FakeLogImport } from './log-import.ts'
import { FakeLogRestore } from './log-restore.ts'
import { FakeLogStore } from './log-store.ts'
import { createFakeSigner } from './signer.ts'

const signer = createFakeSigner()
let store = new FakeLogStore()
beforeEach(() => {
  store = new FakeLogStore()
})
logRestoreSuite('a log in memory', () => ({
  store,
  imports: new FakeLogImport(store),
  restore: new FakeLogRestore(store),
  signer,
}))
