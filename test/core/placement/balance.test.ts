/** Processes are spread evenly over the units, also where many routers choose at once and know of each other late. */
import { describe, expect, it } from 'vitest'
import { Placements } from '../../../core/placement/placements.ts'
import { seeds } from '../../effort.ts'
import { FakePlacementStore } from '../../fakes/placement-store.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { idOf, openUnits, owner, unit } from './units.ts'

const drawn = seeds(20, 5)

function world(seed: number, wayMs: number) {
  const store = new FakePlacementStore()
  const clock = new VirtualClock(1_700_000_000_000, seed)
  const wait = () => clock.sleep(wayMs * clock.random())
  store.faults = { before: wait, after: wait }
  return { store, clock }
}

const nobody = new Promise<never>(() => undefined)

const spread = (counts: Map<string, number>): number => Math.max(...counts.values()) - Math.min(...counts.values())

describe('200 processes over four units', () => {
  it('one after the other: as even as can be', async () => {
    const { store, clock } = world(1, 5)
    const units = openUnits(4)
    const routers = Array.from({ length: 3 }, () => new Placements({ store, units, clock }))
    for (let i = 0; i < 200; i++) await clock.run(routers[i % 3]?.place(idOf(i), owner) ?? nobody)
    expect([...store.counted().values()]).toEqual([50, 50, 50, 50])
  })

  it('all at once at one router: nearly as even', async () => {
    for (const seed of drawn) {
      const { store, clock } = world(seed, 50)
      const router = new Placements({ store, units: openUnits(4), clock })
      await clock.run(Promise.all(Array.from({ length: 200 }, (_, i) => router.place(idOf(`${seed} ${i}`), owner))))
      // What is being written counts twice where it has been counted already.
      expect(spread(store.counted()), `seed ${seed}`).toBeLessThanOrEqual(15)
    }
  })

  it('as they come at one router, while others are being written: by no more than a few', async () => {
    for (const seed of drawn) {
      const { store, clock } = world(seed, 50)
      const router = new Placements({ store, units: openUnits(4), clock })
      const spawn = async (i: number) => {
        await clock.sleep(2_000 * clock.random())
        await router.place(idOf(`${seed} ${i}`), owner)
      }
      await clock.run(Promise.all(Array.from({ length: 200 }, (_, i) => spawn(i))))
      expect(spread(store.counted()), `seed ${seed}`).toBeLessThanOrEqual(6)
    }
  })

  it('all at once at eight routers: a fraction of them uneven, and the next ones make up for it', async () => {
    for (const seed of drawn) {
      const { store, clock } = world(seed, 50)
      const units = openUnits(4)
      const routers = Array.from({ length: 8 }, () => new Placements({ store, units, clock }))
      await clock.run(
        Promise.all(Array.from({ length: 200 }, (_, i) => routers[i % 8]?.place(idOf(`${seed} ${i}`), owner))),
      )
      expect([...store.counted().values()].reduce((sum, count) => sum + count, 0)).toBe(200)
      // Eight that see the same few make the same choice, as long as none has heard of the others'.
      const after = store.counted()
      expect(spread(after), `seed ${seed}`).toBeLessThanOrEqual(50)
      const missing = Math.max(...after.values()) * 4 - 200
      for (let i = 0; i < missing; i++)
        await clock.run(routers[i % 8]?.place(idOf(`${seed} then ${i}`), owner) ?? nobody)
      expect(spread(store.counted()), `seed ${seed}`).toBe(0)
    }
  })

  it('as they come at eight routers: by no more than are under way at once', async () => {
    for (const seed of drawn) {
      const { store, clock } = world(seed, 50)
      const units = openUnits(4)
      const routers = Array.from({ length: 8 }, () => new Placements({ store, units, clock }))
      let [underWay, most] = [0, 0]
      const spawn = async (i: number) => {
        await clock.sleep(3_000 * clock.random())
        most = Math.max(most, ++underWay)
        await routers[i % 8]?.place(idOf(`${seed} ${i}`), owner)
        underWay--
      }
      await clock.run(Promise.all(Array.from({ length: 200 }, (_, i) => spawn(i))))
      expect(spread(store.counted()), `seed ${seed}`).toBeLessThanOrEqual(most)
      expect(most).toBeLessThan(40)
    }
  })

  it('a unit that is added gets the next ones until it has as many', async () => {
    const { store, clock } = world(1, 5)
    const before = new Placements({ store, units: openUnits(2), clock })
    for (let i = 0; i < 20; i++) await clock.run(before.place(idOf(i), owner))
    const units = [...openUnits(2), unit('https://new.example.com')]
    const after = new Placements({ store, units, clock })
    for (let i = 20; i < 30; i++) expect(await clock.run(after.place(idOf(i), owner))).toBe('https://new.example.com')
    for (let i = 30; i < 60; i++) await clock.run(after.place(idOf(i), owner))
    expect([...store.counted().values()]).toEqual([20, 20, 20])
  })
})
