/** From a timestamp to a nonce: right whatever the hints say, and in few rounds. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LogStore } from '../../../core/ports/log-store.ts'
import { createProcessMemory } from '../../../core/read/process-memory.ts'
import { seek } from '../../../core/read/seek.ts'
import { runs } from '../../effort.ts'
import { FakeLogStore } from '../../fakes/log-store.ts'

/** A log of which only the time keys exist: nonce -> key. */
const keysOnly = (keyAt: (nonce: number) => number, rounds: number[][] = []): LogStore => {
  const log = new FakeLogStore()
  log.timeKeys = async (_process, nonces) => {
    rounds.push([...nonces])
    return nonces.map(keyAt)
  }
  return log
}

describe('seek', () => {
  it('finds what a plain search finds, with any hint', async () => {
    const keys = fc.array(fc.nat(30), { maxLength: 200 }).map((list) => list.sort((a, b) => a - b))
    const hint = fc.oneof(fc.constant(undefined), fc.integer({ min: -5, max: 210 }), fc.double())
    await fc.assert(
      fc.asyncProperty(
        keys,
        fc.integer({ min: -2, max: 32 }),
        fc.constantFrom(0, 1),
        hint,
        async (all, timestamp, first, hinted) => {
          const rounds: number[][] = []
          const log = keysOnly((nonce) => all[nonce - first] ?? Number.NaN, rounds)
          const range = { process: 'p', first, last: first + all.length - 1, lastTimeKey: all.at(-1) ?? 0 }
          const deps = { log, times: { lastNonceUpTo: async () => hinted }, memory: createProcessMemory() }
          const expected = first + all.filter((key) => key <= timestamp).length - 1
          expect(await seek(deps, range, timestamp)).toBe(expected)
          // Again, now from memory.
          expect(await seek(deps, range, timestamp)).toBe(expected)
          expect(rounds.flat().every((nonce) => nonce >= range.first && nonce < range.last)).toBe(true)
        },
      ),
      { numRuns: runs(2_000, 400) },
    )
  })

  it('takes four rounds of at most 32 keys in a million records', async () => {
    const last = 1_000_000
    for (const timestamp of [0, 1, 2, 3, 1000, 999_999, 1_234_567, 1_999_998, 1_999_999]) {
      const rounds: number[][] = []
      const log = keysOnly((nonce) => 2 * nonce, rounds)
      const deps = { log, times: { lastNonceUpTo: async () => undefined }, memory: createProcessMemory() }
      const range = { process: 'p', first: 1, last, lastTimeKey: 2 * last }
      expect(await seek(deps, range, timestamp)).toBe(Math.floor(timestamp / 2))
      expect(rounds.length).toBeLessThanOrEqual(4)
      expect(Math.max(...rounds.map((round) => round.length))).toBeLessThanOrEqual(32)
      rounds.length = 0
      expect(await seek(deps, range, timestamp)).toBe(Math.floor(timestamp / 2))
      expect(rounds.flat().length).toBeLessThanOrEqual(2)
    }
  })

  it('goes on from where a lagging index ends', async () => {
    const rounds: number[][] = []
    const log = keysOnly((nonce) => nonce, rounds)
    const deps = { log, times: { lastNonceUpTo: async () => 999_000 }, memory: createProcessMemory() }
    expect(await seek(deps, { process: 'p', first: 1, last: 1_000_000, lastTimeKey: 1_000_000 }, 999_500)).toBe(999_500)
    expect(rounds.length).toBe(3)
  })

  it('fails where the log fails', async () => {
    const log = new FakeLogStore()
    const deps = { log, times: { lastNonceUpTo: async () => undefined }, memory: createProcessMemory() }
    const seeking = seek(deps, { process: 'p', first: 1, last: 10, lastTimeKey: 100 }, 5)
    await expect(seeking).rejects.toMatchObject({ code: 'unavailable' })
  })
})
