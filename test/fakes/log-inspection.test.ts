import { logInspectionSuite } from '../suites/log-inspection.ts'
import { FakeLogImport } from './log-import.ts'
import { FakeLogInspection } from './log-inspection.ts'
import { FakeLogStore } from './log-store.ts'

const log = new FakeLogStore()
const inspection = new FakeLogInspection(log)
const imports = new FakeLogImport(log)
logInspectionSuite('in memory', () => ({
  inspection,
  imports,
  async spoil(process, nonce) {
    inspection.unreadable.add(`${process}/${nonce}`)
  },
}))
