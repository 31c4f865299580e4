/** What relay and reconciler cost stays within what docs/deploy.md says. */
import { expect, it } from 'vitest'
import { reconcilerCosts, relayCosts } from '../../bench/relay-costs.ts'
import { unitFunctions } from '../../infra/functions.ts'

// As the store counts them: one row of watermarks, a consistent query of it and the head, a record of 2 KB.
const units = { watermarkWrites: 1, progressReads: 1, recordReads: 1 }

it('a million messages, one every two seconds, at 0.3 s of the bundler: 2.50 dollars at most', () => {
  const load = { messagesASecond: 0.5, bundlerLatency: 0.3, overhead: 0.05, units }
  expect(relayCosts(load)).toBeLessThanOrEqual(2.5)
})

it('makes no spawn wait longer than a second', () => {
  expect(unitFunctions.relay.trigger.batchWindow).toBeLessThanOrEqual(1)
})

it('a million idle processes: 2 dollars a month at most, hardly more than none', () => {
  expect(reconcilerCosts({ processes: 1e6, bytesAProcess: 600, seconds: 0.4 })).toBeLessThanOrEqual(2)
  expect(reconcilerCosts({ processes: 1e9, bytesAProcess: 600, seconds: 0.4 })).toBeLessThanOrEqual(2)
})
