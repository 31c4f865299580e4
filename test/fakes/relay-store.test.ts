/** The fake memory of the relay keeps to the behaviours of its port. */
import { relayStoreBehaviours } from '../suites/relay-store.ts'
import { FakeRelayStore } from './relay-store.ts'

const store = new FakeRelayStore()
relayStoreBehaviours('the fake', () => ({
  store,
  moveHead: async (process, next, firstNonce) => store.moveHead(process, next, firstNonce),
}))
