/** The data item by which a scheduler is found. */
import { describe, expect, it } from 'vitest'
import { verifySignature } from '../../../core/ans104/signature.ts'
import { createSigner } from '../../../core/ans104/signer.ts'
import { isDue, runsOutAt, signLocation } from '../../../core/location/location.ts'
import wallets from '../../data/conformance/wallets.json' with { type: 'json' }

const HOUR = 3_600_000

it('says what the contract wants, and is another item each time', async () => {
  const signer = createSigner(wallets.su)
  const wanted = { url: 'https://su.example', ttlMs: HOUR }
  const [one, other] = await Promise.all([signLocation(signer, wanted), signLocation(signer, wanted)])
  expect(one.tags).toEqual([
    { name: 'Data-Protocol', value: 'ao' },
    { name: 'Type', value: 'Scheduler-Location' },
    { name: 'Variant', value: 'ao.TN.1' },
    { name: 'Url', value: 'https://su.example' },
    { name: 'Time-To-Live', value: '3600000' },
  ])
  expect(await verifySignature(one)).toBe(true)
  expect(one.id).not.toBe(other.id)
})

describe('is said again', () => {
  const location = { id: 'x', url: 'https://su.example', ttlMs: HOUR, at: 10 * HOUR }
  it.each([
    [location, 10.4 * HOUR, false],
    [location, 10.5 * HOUR, true],
    [location, 20 * HOUR, true],
    // It waits for its block: it is as new as can be.
    [{ ...location, at: undefined }, 20 * HOUR, false],
    [{ ...location, ttlMs: undefined }, 10 * HOUR, true],
  ])('%j at %d: %s', (standing, now, due) => {
    expect(isDue(standing, now)).toBe(due)
  })

  it('before it runs out, where that is known', () => {
    expect(runsOutAt(location)).toBe(11 * HOUR)
    expect(runsOutAt({ ...location, at: undefined })).toBeUndefined()
    expect(runsOutAt({ ...location, ttlMs: undefined })).toBeUndefined()
  })
})
