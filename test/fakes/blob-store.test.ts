import { blobStoreSuite } from '../suites/blob-store.ts'
import { FakeBlobStore } from './blob-store.ts'

const store = new FakeBlobStore()
blobStoreSuite('in memory', () => ({ store, inspection: store, spoil: async (ref) => store.spoil(ref) }))
