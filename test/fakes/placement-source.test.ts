import { placementSourceSuite, suiteRows } from '../suites/placement-source.ts'
import { FakePlacementSource } from './placement-source.ts'

placementSourceSuite('fake', async () => {
  const source = new FakePlacementSource(suiteRows, 2)
  return {
    source,
    async takeAway() {
      source.faults = {
        before() {
          throw new Error('gone')
        },
      }
    },
  }
})
