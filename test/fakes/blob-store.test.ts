import { blobStoreSuite } from '../suites/blob-store.ts'
import { FakeBlobStore } from './blob-store.ts'

const store = new FakeBlobStore()
blobStoreSuite('in memory', () => ({ store, spoil: async (ref) => store.spoil(ref) }))
