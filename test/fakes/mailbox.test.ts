import { mailboxSuite } from '../suites/mailbox.ts'
import { FakeLogStore } from './log-store.ts'
import { FakeMailbox } from './mailbox.ts'
import { createFakeSigner } from './signer.ts'

const store = new FakeLogStore()
const mailbox = new FakeMailbox(store)
const signer = createFakeSigner()
mailboxSuite('in memory', () => ({ mailbox, store, signer }))
