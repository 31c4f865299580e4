/** What a stage costs is what docs/deploy.md says, and stays within bounds. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { documentWithCosts, type MeasuredCosts, measuredFile, reconcilerCosts, relayCosts } from '../../bench/costs.ts'
import { unitFunctions } from '../../infra/functions.ts'

// As the store counts them: one row of watermarks, a consistent query of it and the head, a record of 2 KB.
const units = { watermarkWrites: 1, progressReads: 1, recordReads: 1 }

it('a million messages, one every two seconds, at 0.3 s of the bundler: 2.50 dollars at most', () => {
  const load = { messagesASecond: 0.5, processes: 1, bundlerLatency: 0.3, overhead: 0.05, units }
  expect(relayCosts(load)).toBeLessThanOrEqual(2.5)
})

it('makes no spawn wait longer than a second', () => {
  expect(unitFunctions.relay.trigger.batchWindow).toBeLessThanOrEqual(1)
})

it('a million idle processes: 2 dollars a month at most, hardly more than none', () => {
  expect(reconcilerCosts({ processes: 1e6, bytesAProcess: 600, seconds: 0.4 })).toBeLessThanOrEqual(2)
  expect(reconcilerCosts({ processes: 1e9, bytesAProcess: 600, seconds: 0.4 })).toBeLessThanOrEqual(2)
})

it('docs/deploy.md has the tables that prices, settings and measured units give: `node bench/costs.ts` writes them', () => {
  expect(readFileSync('docs/deploy.md', 'utf8')).toBe(documentWithCosts())
})

it('counts the relay that the test above bounds as it was measured', () => {
  const { relay } = JSON.parse(readFileSync(measuredFile, 'utf8')) as MeasuredCosts
  expect(relay.writes).toBeLessThan(2)
})
