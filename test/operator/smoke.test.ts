/** The smoke script against whole local stacks: a unit alone, units behind a router, and a unit behind a CDN that it does not see. */
import { expect, it } from 'vitest'
import { type Finding, type SmokeOptions, smoke } from '../../operator/smoke.ts'
import { openRegions, openStack } from '../stack/stack.ts'

/** The local machine has no limit on time. */
const own = { process: 'write', functionUrl: undefined, requests: 10, slowMs: 60_000 } as const

async function findings(options: SmokeOptions): Promise<Record<string, Finding>> {
  const all: [string, Finding][] = []
  for await (const finding of smoke(options)) all.push([finding.check, finding])
  return Object.fromEntries(all)
}

const outcomesOf = (found: Record<string, Finding>) =>
  Object.fromEntries(
    Object.entries(found).map(([check, { outcome, detail }]) => [check, outcome === 'failed' ? detail : outcome]),
  )

const everything = {
  health: 'passed',
  identity: 'passed',
  preflight: 'passed',
  HEAD: 'passed',
  error: 'passed',
  'function URL': 'unchecked',
  'spawn and post': 'passed',
  redirect: 'unchecked',
  'newest page': 'passed',
  'immutable page': 'passed',
  '304': 'passed',
  'repeated reads': 'passed',
  compression: expect.stringMatching(/^(passed|unchecked)$/),
  relay: 'unchecked',
  alarms: 'unchecked',
}

it('passes a unit, and says what it could not check', async () => {
  const unit = await openStack({}, { instances: 2 })
  try {
    expect(outcomesOf(await findings({ ...own, url: unit.url }))).toEqual(everything)
    const read = await findings({ ...own, url: unit.url, process: undefined })
    expect(read['newest page']).toMatchObject({ outcome: 'unchecked', detail: expect.stringContaining('--process') })
  } finally {
    await unit.close()
  }
})

it('passes a router that redirects', async () => {
  const two = await openRegions(2, {}, { instances: 1 })
  try {
    expect(outcomesOf(await findings({ ...own, url: two.url }))).toEqual({
      ...everything,
      identity: 'unchecked',
      redirect: 'passed',
    })
  } finally {
    await two.close()
  }
})

it('finds a function that refuses beside its CDN, and a unit that refuses everything', async () => {
  const unit = await openStack({ CDN_SECRET: 'a secret of the CDN' }, { instances: 1 })
  try {
    const found = await findings({ ...own, url: unit.url, functionUrl: unit.url })
    expect(found['function URL']?.outcome).toBe('passed')
    expect(found.health).toMatchObject({ outcome: 'failed', detail: expect.stringContaining('403') })
    expect(found['spawn and post']?.outcome).toBe('failed')
  } finally {
    await unit.close()
  }
})
