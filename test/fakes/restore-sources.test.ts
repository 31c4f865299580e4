import { beforeEach } from 'vitest'
import { signer } from '../core/restore/world.ts'
import { indexedNoncesSuite } from '../suites/indexed-nonces.ts'
import { uploadedLogSuite } from '../suites/uploaded-log.ts'
import { FakeBundler } from './bundler.ts'
import { FakeMetadataIndex } from './metadata-index.ts'
import { FakeIndexedNonces, FakeUploadedLog } from './restore-sources.ts'

let bundler = new FakeBundler()
beforeEach(() => {
  bundler = new FakeBundler()
})
uploadedLogSuite('uploads in memory', () => ({
  log: new FakeUploadedLog(bundler),
  signer,
  upload: async ({ id, raw }) => {
    await bundler.upload(id, raw)
  },
}))

const index = new FakeMetadataIndex()
indexedNoncesSuite('metadata in memory', () => ({ index, nonces: new FakeIndexedNonces(index) }))
