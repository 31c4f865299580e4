import { expect, it } from 'vitest'
import { placementStoreBehaviours } from '../suites/placement-store.ts'
import { FakePlacementStore } from './placement-store.ts'
import { FakeGlobalTable } from './placement-store-replicas.ts'
import { VirtualClock } from './virtual-clock.ts'

const store = new FakePlacementStore()
placementStoreBehaviours('the fake', () => store)

it('a fault is unavailable, before or after the deed', async () => {
  const placement = { process: 'p', unit: 'https://a', state: 'provisional', refusedBy: [], version: 1, at: 1 } as const
  const faulty = new FakePlacementStore()
  faulty.faults = {
    before() {
      throw new Error('down')
    },
  }
  await expect(faulty.place(placement)).rejects.toMatchObject({ code: 'unavailable' })
  expect(faulty.standing('p')).toBeUndefined()
  faulty.faults = {
    after() {
      throw new Error('lost')
    },
  }
  await expect(faulty.place(placement)).rejects.toMatchObject({ code: 'unavailable' })
  expect(faulty.standing('p')).toEqual(placement)
})

it('replicas lag, and end up with what was written last', async () => {
  const clock = new VirtualClock()
  const table = new FakeGlobalTable({ clock, regions: ['a', 'b'], lagMs: 1000, wayMs: 50 })
  const first = { process: 'p', unit: 'https://a', state: 'provisional', refusedBy: [], version: 1, at: 1 } as const
  await table.replica('a').place(first)
  expect(await table.replica('b').read('p')).toBeUndefined()
  const other = { ...first, unit: 'https://b' }
  expect(await table.replica('b').place(other)).toEqual(other)
  await clock.run(clock.sleep(1000))
  expect(table.replica('a').standing('p')).toEqual(other)
  expect(table.replica('b').standing('p')).toEqual(other)
})
