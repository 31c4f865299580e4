/** A unit's side of its placements, over the table of placements. */
import { describe, expect, it } from 'vitest'
import { createOwnPlacement } from '../../../core/placement/claim.ts'
import type { Placement } from '../../../core/ports/placement-store.ts'
import { FakePlacementStore, type PlacementOperation } from '../../fakes/placement-store.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { ownPlacementBehaviours } from '../../suites/own-placement.ts'
import { idOf, unitUrl } from './units.ts'

const [ownUrl, otherUrl] = [unitUrl('own'), unitUrl('other')]
const process = idOf('a process')

function world() {
  const store = new FakePlacementStore()
  const clock = new VirtualClock()
  const calls: PlacementOperation[] = []
  const down = new Set<PlacementOperation>()
  store.faults = {
    before({ name }) {
      calls.push(name)
      if (down.has(name)) throw new Error('down')
    },
  }
  return { store, clock, calls, down, placement: createOwnPlacement({ store, ownUrl, clock }) }
}

const placed = (more: Partial<Placement> = {}): Placement => ({
  process,
  unit: ownUrl,
  state: 'provisional',
  refusedBy: [],
  version: 1,
  at: 1,
  ...more,
})

ownPlacementBehaviours('the table of placements', async () => {
  const { store, placement, down } = world()
  return {
    placement,
    ownUrl,
    otherUrl,
    place: async (id, unit) => store.overwrite(placed({ process: id, unit })),
    setDown(isDown) {
      for (const name of ['read', 'change'] as const) isDown ? down.add(name) : down.delete(name)
    },
    close: async () => {},
  }
})

describe('a claim', () => {
  it('settles the placement, once', async () => {
    const { store, placement } = world()
    store.overwrite(placed({ refusedBy: [otherUrl], version: 3 }))
    await placement.claim(process)
    const settled = placed({ state: 'settled', refusedBy: [otherUrl], version: 4 })
    expect(store.standing(process)).toEqual(settled)
    await placement.claim(process)
    await placement.refuse(process)
    expect(store.standing(process)).toEqual(settled)
  })

  it('leaves what is placed elsewhere as it is, and so does a refusal', async () => {
    const { store, placement } = world()
    for (const state of ['provisional', 'settled'] as const) {
      const elsewhere = placed({ unit: otherUrl, state })
      store.overwrite(elsewhere)
      await expect(placement.claim(process)).rejects.toMatchObject({ code: 'invalid-message' })
      await placement.refuse(process)
      expect(store.standing(process)).toEqual(elsewhere)
    }
  })

  it('that lost to another change looks again', async () => {
    const { store, placement } = world()
    store.overwrite(placed())
    let first = true
    const meanwhile = (standing: Placement) => {
      store.faults = {
        before({ name }) {
          if (name === 'change' && first) store.overwrite(standing)
          first &&= name !== 'change'
        },
      }
    }
    meanwhile(placed({ refusedBy: [ownUrl], version: 2 }))
    await placement.claim(process)
    expect(store.standing(process)).toMatchObject({ state: 'settled', version: 3 })

    store.overwrite(placed())
    first = true
    meanwhile(placed({ unit: otherUrl, version: 3 }))
    await expect(placement.claim(process)).rejects.toMatchObject({ code: 'invalid-message' })
    expect(store.standing(process)).toEqual(placed({ unit: otherUrl, version: 3 }))
  })

  it('whose answer was lost has happened, and is taken for what it is the next time', async () => {
    const { store, placement } = world()
    store.overwrite(placed())
    store.faults = {
      after({ name }) {
        if (name === 'change') throw new Error('lost')
      },
    }
    await expect(placement.claim(process)).rejects.toMatchObject({ code: 'unavailable' })
    await placement.claim(process)
    expect(store.standing(process)).toMatchObject({ state: 'settled', version: 2 })
  })

  it('gives up where the placement does not come to rest', async () => {
    const { store, placement } = world()
    store.overwrite(placed())
    store.faults = {
      before({ name }) {
        const standing = store.standing(process)
        if (name === 'change' && standing) store.overwrite({ ...standing, version: standing.version + 1 })
      },
    }
    await expect(placement.claim(process)).rejects.toMatchObject({ code: 'unavailable' })
    await placement.refuse(process)
  })

  it('is refused to a unit that is dead', async () => {
    const { store, placement } = world()
    store.overwrite(placed())
    await store.declareDead(ownUrl, 1)
    await expect(placement.claim(process)).rejects.toMatchObject({ code: 'frozen' })
    expect(store.standing(process)).toEqual(placed())
  })
})

describe('a refusal', () => {
  it('is kept with the placement, once', async () => {
    const { store, placement } = world()
    store.overwrite(placed({ refusedBy: [otherUrl] }))
    await placement.refuse(process)
    await placement.refuse(process)
    expect(store.standing(process)).toEqual(placed({ refusedBy: [otherUrl, ownUrl], version: 2 }))
  })
})

describe('a unit that is declared dead', () => {
  it('schedules nothing once it sees that, and goes on when it is alive again', async () => {
    const { store, clock, placement } = world()
    await placement.check()
    await store.declareDead(ownUrl, clock.now())
    await clock.run(clock.sleep(61_000))
    await expect(placement.check()).rejects.toMatchObject({ code: 'frozen' })
    await store.declareDead(ownUrl, undefined)
    await clock.run(clock.sleep(61_000))
    await placement.check()
  })

  it('is the one that was declared so', async () => {
    const { store, placement } = world()
    await store.declareDead(otherUrl, 1)
    await placement.check()
  })

  it('asks once a minute, however many messages there are', async () => {
    const { store, clock, calls, placement } = world()
    await Promise.all(Array.from({ length: 100 }, () => placement.check()))
    await placement.check()
    expect(calls).toEqual(['deadSince'])
    await store.declareDead(ownUrl, 1)
    await clock.run(clock.sleep(61_000))
    for (let i = 0; i < 10; i++) await expect(placement.check()).rejects.toMatchObject({ code: 'frozen' })
    expect(calls).toEqual(['deadSince', 'declareDead', 'deadSince'])
  })

  it('goes on for a quarter of an hour where it cannot ask, and not without ever having asked', async () => {
    const { clock, calls, down, placement } = world()
    down.add('deadSince')
    await expect(placement.check()).rejects.toMatchObject({ code: 'unavailable' })
    down.clear()
    await placement.check()
    down.add('deadSince')
    await clock.run(clock.sleep(60_000))
    const before = calls.length
    for (let i = 0; i < 10; i++) await placement.check()
    expect(calls.length).toBe(before + 1)
    await clock.run(clock.sleep(839_000))
    await placement.check()
    await clock.run(clock.sleep(1_000))
    await expect(placement.check()).rejects.toMatchObject({ code: 'unavailable' })
    down.clear()
    await placement.check()
  })

  it('does not come alive by silence', async () => {
    const { store, clock, down, placement } = world()
    await store.declareDead(ownUrl, 1)
    await expect(placement.check()).rejects.toMatchObject({ code: 'frozen' })
    down.add('deadSince')
    await clock.run(clock.sleep(3_600_000))
    await expect(placement.check()).rejects.toMatchObject({ code: 'frozen' })
  })
})
