/**
 * Thousands of short, bad times of a busy process (`simulation/chaos.ts`), each drawn from a seed: whatever becomes of it,
 * the log is sound, every answer is true, and when all is well again everybody is served. A failing seed is run alone with
 * SEED=n, more of them with SEEDS=n.
 */
import { describe, expect, it } from 'vitest'
import { chaos } from './simulation/chaos.ts'
import { faultsOf } from './simulation/history.ts'

const count = Number(process.env.SEEDS ?? 2_500)
const seeds = process.env.SEED ? [Number(process.env.SEED)] : Array.from({ length: count }, (_, i) => i + 1)

describe('a busy process in a bad time', () => {
  it(`is sound and answers truly, ${seeds.length} seeds`, { timeout: 600_000 }, async () => {
    let acknowledged = 0
    for (const seed of seeds) {
      const history = await chaos(seed)
      expect(await faultsOf(history), `seed ${seed}`).toEqual([])
      acknowledged += history.answers.filter(({ place }) => place).length
    }
    expect(acknowledged).toBeGreaterThan(seeds.length * 15)
  })

  it('runs the same way twice', async () => {
    const trace = async (seed: number) => {
      const { answers } = await chaos(seed)
      return answers.map(({ entry, sent, answered, place, error }) => [
        entry.kind,
        entry.deepHash,
        sent,
        answered,
        place?.nonce,
        place?.timestamp,
        error?.code,
        error?.message,
      ])
    }
    for (const seed of [3, 11, 29]) expect(await trace(seed)).toEqual(await trace(seed))
  })
})
