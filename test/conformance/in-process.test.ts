/** The recorded profiles, asked of the whole app over fakes: each from an empty state, in its own configuration. */

import type { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { ownerAddress, parseDataItem } from '../../core/ans104/data-item.ts'
import { createSigner } from '../../core/ans104/signer.ts'
import { systemClock } from '../../core/ports/clock.ts'
import type { SchedulingRules } from '../../core/schedule/scheduler.ts'
import type { RouterParts } from '../../functions/http/router-parts.ts'
import wallets from '../data/conformance/wallets.json' with { type: 'json' }
import { createUnitApp } from '../functions/http/app/unit-app.ts'
import { createRouterWorld, served, unitAt } from '../functions/http/router/router-world.ts'
import { type ProfileResult, runProfile } from './profile.ts'
import type { Profile } from './recorded.ts'
import { A, addresses, B, raw } from './world.ts'

/** Profiles of a unit. */
type UnitProfile = Exclude<Profile, 'router'>

const rules: Record<UnitProfile, Partial<SchedulingRules>> = {
  main: {},
  'no-process-assignment': { processAssignment: false },
  'max-size': {
    size: { maxBytes: 2000, owners: new Set([addresses.bob]), fromProcesses: new Set(), fromOwners: new Set() },
  },
  whitelist: {},
}

function runInProcess(profile: UnitProfile, more: Partial<SchedulingRules> = {}): Promise<ProfileResult> {
  const { app, unit } = createUnitApp({
    clock: systemClock,
    signer: createSigner(wallets.su),
    rules: { ...rules[profile], ...more },
  })
  if (profile === 'whitelist') {
    unit.lists.processes = new Map([
      [A, { read: true, write: true }],
      [B, { read: true, write: false }],
    ])
  }
  return runProfile(profile, { fetch: (path, init) => app.request(path, init) })
}

/** How many answers the reference recorded: none may be left out. */
const steps: [UnitProfile, number][] = [
  ['main', 230],
  ['no-process-assignment', 27],
  ['max-size', 18],
  ['whitelist', 8],
]

describe('the recorded scenarios', () => {
  it.each(steps)('of profile %s: %i answers as they must be', { timeout: 30_000 }, async (profile, judged) => {
    expect(await runInProcess(profile)).toEqual({ judged, faults: [] })
  })

  it('are the same with every item in the blob store', { timeout: 30_000 }, async () => {
    expect(await runInProcess('main', { inlineBytes: 0 })).toEqual({ judged: 230, faults: [] })
  })

  it('tell a unit of another configuration from this one', { timeout: 30_000 }, async () => {
    const { faults } = await runInProcess('main', { deepHashChecks: false })
    expect(faults.join('\n')).toContain('post msgPushedAgain: status 200, not 400')
    const other = await runInProcess('no-process-assignment', { processAssignment: true })
    expect(other.faults.length).toBeGreaterThan(5)
  })
})

describe('the recorded scenarios of a router', () => {
  /** @param fetch what is in front of the router's app: it may spoil what it is asked or answers */
  async function runRouter(
    fetch: (app: Hono, path: string, init: RequestInit) => Response | Promise<Response> = (app, path, init) =>
      app.request(path, init),
    parts: Partial<RouterParts> = {},
  ): Promise<ProfileResult> {
    // Units that know nothing of what was sent to them.
    const units = await Promise.all([1, 2].map(() => served(() => createUnitApp({ clock: systemClock }).app)))
    const wallets = new Set([ownerAddress(parseDataItem(raw('procEth')).owner)])
    const { app } = createRouterWorld({
      units: units.map((url, index) => unitAt(url, index === 1 ? { wallets } : {})),
      clock: systemClock,
      parts,
    })
    return runProfile('router', { fetch: (path, init) => fetch(app, path, init), units })
  }

  it('33 answers as they must be', async () => {
    expect(await runRouter()).toEqual({ judged: 33, faults: [] })
  })

  it('tell a router that forgets, or passes on what it should not', async () => {
    const elsewhere = await runRouter(async (app, path, init) => {
      const answer = await app.request(path, init)
      if (path.endsWith('/latest')) answer.headers.set('location', 'https://other.example/')
      return answer
    })
    expect(elsewhere.faults).toEqual([expect.stringContaining('latest of A: ')])
    const passing = await runRouter(undefined, { passOn: { everything: true } })
    expect(passing.faults.length).toBeGreaterThan(10)
  })
})

describe('the audit', () => {
  /** The faults that are found where the schedule is answered like this. */
  async function faultsWith(spoil: (body: string) => string): Promise<string> {
    const { app } = createUnitApp({
      clock: systemClock,
      signer: createSigner(wallets.su),
      rules: rules['no-process-assignment'],
    })
    const { faults } = await runProfile('no-process-assignment', {
      async fetch(path, init) {
        const response = await app.request(path, init)
        // Only the audit asks so; the answers before it stay as they are.
        if (!path.includes('limit=5000')) return response
        return new Response(spoil(await response.text()), response)
      },
    })
    return faults.join('\n')
  }

  const tag = (name: string) => new RegExp(`("name":"${name}","value":")([^"]+)`)

  it.each([
    ['a fault in the chain', (body: string) => body.replace(tag('Hash-Chain'), `$1${'A'.repeat(43)}`), /hash chain/],
    ['a tag that was not signed', (body: string) => body.replace(tag('Variant'), '$1ao.TN.2'), /signature/],
    ['a time that does not rise', (body: string) => body.replace(tag('Timestamp'), '$19999999999999'), /not rise/],
    ['a page that is cut', (body: string) => body.replace('"has_next_page":false', '"has_next_page":true'), /is cut/],
    [
      'a missing record',
      (body: string) => {
        const { page_info, edges } = JSON.parse(body)
        return JSON.stringify({ page_info, edges: edges.toSpliced(3, 1) })
      },
      /follows nonce 2/,
    ],
  ])('finds %s', async (_, spoil, fault) => {
    expect(await faultsWith((body) => body)).toBe('')
    expect(await faultsWith(spoil)).toMatch(fault)
  })

  it('waits for what must be uploaded', async () => {
    const { app, unit } = createUnitApp({
      clock: systemClock,
      signer: createSigner(wallets.su),
      rules: rules['no-process-assignment'],
    })
    const fetch = (path: string, init: RequestInit) => app.request(path, init)
    let asked = 0
    const uploaded = async () => {
      if (++asked < 3) return new Set<string>()
      const ids = await Promise.all(
        [A, B].map(async (process) => {
          const head = await unit.store.head(process)
          const records = await unit.store.records(process, 0, (head?.next ?? 0) - 1)
          const assignments = records.map(({ assignment }) => parseDataItem(assignment ?? Buffer.alloc(0)).id)
          return [process, ...records.map(({ id }) => id), ...assignments]
        }),
      )
      return new Set(ids.flat())
    }
    expect((await runProfile('no-process-assignment', { fetch, uploaded })).faults).toEqual([])
    expect(asked).toBe(3)
  })
})
