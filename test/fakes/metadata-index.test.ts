/** The fake index of metadata keeps to the behaviours of its ports. */
import { metadataBehaviours } from '../suites/metadata-index.ts'
import { FakeMetadataIndex } from './metadata-index.ts'

metadataBehaviours('the fake', async () => {
  const index = new FakeMetadataIndex()
  return {
    index,
    times: index,
    nonces: async (process) => index.nonces(process),
    async goAway() {
      index.faults = {
        before: () => {
          throw new Error('away')
        },
      }
    },
    async comeBack() {
      index.faults = {}
    },
    close: async () => {},
  }
})
