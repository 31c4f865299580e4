/**
 * Claims, refusals and placements in every order that a seed makes of them: a process is never taken by two units, and stays where it
 * was taken.
 */
import { describe, expect, it } from 'vitest'
import { seeds } from '../../effort.ts'
import { FakePlacementStore } from '../../fakes/placement-store.ts'
import { FakeGlobalTable } from '../../fakes/placement-store-replicas.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { type Outcome, race } from './race.ts'

const drawn = seeds(150, 40)
const regions = ['a', 'b', 'c']

const clockOf = (seed: number) => new VirtualClock(1_700_000_000_000, seed)

function inOneRegion(seed: number, refusals: number): Promise<Outcome> {
  const store = new FakePlacementStore()
  const standing = (id: string) => store.standing(id)
  return race({ clock: clockOf(seed), stores: [store], standing, faults: 0.1, refusals })
}

/** @param homeOf where somebody in this region writes */
function inThreeRegions(seed: number, refusals: number, homeOf: (near: string) => string): Promise<Outcome> {
  const clock = clockOf(seed)
  const table = new FakeGlobalTable({ clock, regions, lagMs: 2_000, wayMs: 60 })
  const stores = regions.map((near) => table.store({ home: homeOf(near), near }))
  const standing = (id: string) => table.replica('a').standing(id)
  return race({ clock, stores, standing, faults: 0.05, refusals })
}

async function all(run: (seed: number) => Promise<Outcome>) {
  const outcomes: Outcome[] = []
  for (const seed of drawn) {
    const outcome = await run(seed)
    expect(outcome.wrong, `seed ${seed}`).toEqual([])
    outcomes.push(outcome)
  }
  return {
    taken: outcomes.filter(({ taken }) => taken > 0).length,
    refused: outcomes.reduce((sum, { refused }) => sum + refused, 0),
  }
}

describe(`a process that many spawn, ${drawn.length} seeds`, () => {
  it('is taken by one unit, over a bad network', async () => {
    const { taken } = await all((seed) => inOneRegion(seed, 0))
    expect(taken).toBe(drawn.length)
  })

  it('is taken by one unit, whatever units refuse it meanwhile', async () => {
    const { taken, refused } = await all((seed) => inOneRegion(seed, 0.6))
    expect(taken).toBeGreaterThan(drawn.length * 0.9)
    expect(refused).toBeGreaterThan(drawn.length)
  })

  it('has one answer in three regions whose replicas lag', async () => {
    const { taken } = await all((seed) => inThreeRegions(seed, 0, () => 'a'))
    expect(taken).toBe(drawn.length)
  })

  it('is taken by one unit in three regions, whatever units refuse it meanwhile', async () => {
    const { taken, refused } = await all((seed) => inThreeRegions(seed, 0.6, () => 'a'))
    expect(taken).toBeGreaterThan(drawn.length * 0.9)
    expect(refused).toBeGreaterThan(drawn.length)
  })

  it('would be taken by several if each region wrote its own placements', async () => {
    const wrong: string[] = []
    for (const seed of drawn.slice(0, 20)) {
      const outcome = await inThreeRegions(seed, 0, (near) => near)
      wrong.push(...outcome.wrong)
    }
    expect(wrong.some((what) => /taken by [23] units/.test(what))).toBe(true)
    expect(wrong.some((what) => /[23] answers/.test(what))).toBe(true)
  })

  it('runs the same way twice', async () => {
    expect(await inThreeRegions(7, 0.6, () => 'a')).toEqual(await inThreeRegions(7, 0.6, () => 'a'))
  })
})
