import { migrationSourceSuite } from '../suites/migration-source.ts'
import { FakeMigrationSource } from './migration-source.ts'

migrationSourceSuite('fake', async (rows, settings) => {
  const source = new FakeMigrationSource({ ...rows, ...settings })
  return {
    source,
    async add({ messages = [], processes = [] }) {
      source.messageRows.push(...messages)
      source.processRows.push(...processes)
    },
    async takeAway() {
      source.faults = {
        before() {
          throw new Error('gone')
        },
      }
    },
  }
})
