/** What one router answers, from memory, from its own region and from the home region. */
import { describe, expect, it } from 'vitest'
import { createOwnPlacement } from '../../../core/placement/claim.ts'
import { Placements } from '../../../core/placement/placements.ts'
import type { UnitSettings } from '../../../core/placement/units.ts'
import type { Placement } from '../../../core/ports/placement-store.ts'
import { runs, seeds } from '../../effort.ts'
import { FakePlacementStore, type PlacementOperation } from '../../fakes/placement-store.ts'
import { VirtualClock } from '../../fakes/virtual-clock.ts'
import { idOf, openUnits, owner, unit, unitUrl } from './units.ts'

const process = idOf('a process')

function world(units: UnitSettings[] = openUnits(3)) {
  const store = new FakePlacementStore()
  const clock = new VirtualClock()
  const calls: PlacementOperation[] = []
  const down = new Set<PlacementOperation>()
  store.faults = {
    async before({ name }) {
      calls.push(name)
      await clock.sleep(5)
      if (down.has(name)) throw new Error('down')
    },
  }
  const router = (more: Partial<ConstructorParameters<typeof Placements>[0]> = {}) =>
    new Placements({ store, units, clock, ...more })
  /** What was asked of the store since the last time. */
  const asked = () => calls.splice(0)
  return { store, clock, down, router, asked, run: <T>(work: Promise<T>) => clock.run(work) }
}

const placed = (more: Partial<Placement> = {}): Placement => ({
  process,
  unit: unitUrl(1),
  state: 'settled',
  refusedBy: [],
  version: 1,
  at: 1,
  ...more,
})

describe('placing a process', () => {
  it('writes where it goes before it answers, provisionally', async () => {
    const { store, clock, router, run } = world()
    const url = await run(router().place(process, owner))
    expect(store.standing(process)).toEqual({
      process,
      unit: url,
      state: 'provisional',
      refusedBy: [],
      version: 1,
      at: expect.any(Number),
    })
    expect(store.standing(process)?.at).toBeLessThanOrEqual(clock.now())
  })

  it('again gives the same unit, whatever the counts and the list are now, in any router', async () => {
    const { store, router, run } = world()
    const url = await run(router().place(process, owner))
    for (let i = 0; i < 5; i++) store.overwrite(placed({ process: idOf(i), unit: url }))
    expect(await run(router().place(process, owner))).toBe(url)
    const others = [unit(unitUrl('new')), unit(unitUrl('pin'), { wallets: new Set([owner]) })]
    expect(await run(router({ units: others }).place(process, owner))).toBe(url)
    expect(await run(router({ units: others }).unitOf(process))).toBe(url)
  })

  it('many routers at once: one answer', { timeout: 60_000 }, async () => {
    for (const [seed, many] of [runs(1000, 100), 100, 100, 100, 100].entries()) {
      const store = new FakePlacementStore()
      const clock = new VirtualClock(1_700_000_000_000, seed)
      const wait = () => clock.sleep(50 * clock.random())
      store.faults = { before: wait, after: wait }
      const units = openUnits(5)
      // Each would choose another unit than the next one.
      const routers = Array.from(
        { length: many },
        (_, i) => new Placements({ store, units: units.slice(i % 5, (i % 5) + 1), clock, rememberedProcesses: 10 }),
      )
      const told = await clock.run(Promise.all(routers.map((router) => router.place(process, owner))))
      expect(new Set(told).size).toBe(1)
      expect(store.standing(process)).toMatchObject({ unit: told[0], version: 1 })
      expect([...store.counted().values()]).toEqual([1])
    }
  })

  it('asks once, however many spawn it at once here', async () => {
    const { router, run, asked } = world()
    const one = router()
    const told = await run(Promise.all(Array.from({ length: 50 }, () => one.place(process, owner))))
    expect(new Set(told).size).toBe(1)
    expect(asked()).toEqual(['read', 'counts', 'deadAmong', 'place'])
  })

  it('goes where the wallet is pinned', async () => {
    const pins = { wallets: new Set([owner]), walletsOnly: true }
    const { router, run } = world([unit(unitUrl('a')), unit(unitUrl('b'), pins), unit(unitUrl('c'), pins)])
    expect(await run(router().place(process, owner))).toBe(unitUrl('b'))
    expect(await run(router().place(idOf(2), idOf('another wallet')))).toBe(unitUrl('a'))
  })

  it('gives nothing to a unit without routes, not even of its wallets', async () => {
    const { router, run } = world([
      unit(unitUrl('a'), { routed: false, wallets: new Set([owner]) }),
      unit(unitUrl('b')),
    ])
    expect(await run(router().place(process, owner))).toBe(unitUrl('b'))
  })

  it('is unavailable where nobody takes it, and leaves nothing behind', async () => {
    const lists = [[], [unit(unitUrl('a'), { routed: false }), unit(unitUrl('b'), { walletsOnly: true })]]
    for (const units of lists) {
      const { store, router, run } = world(units)
      await expect(run(router().place(process, owner))).rejects.toMatchObject({
        code: 'unavailable',
        message: 'No unit takes new processes now',
      })
      expect(store.standing(process)).toBeUndefined()
    }
  })

  it('is made anew elsewhere when its unit has refused it, and not before', async () => {
    const { store, router, run } = world()
    const refused = placed({ state: 'provisional', refusedBy: [unitUrl(1)], version: 2 })
    store.overwrite(placed({ state: 'provisional', refusedBy: [unitUrl(0)], version: 2 }))
    expect(await run(router().place(process, owner))).toBe(unitUrl(1))
    store.overwrite(refused)
    const anew = await run(router().place(process, owner))
    expect(anew).not.toBe(unitUrl(1))
    expect(store.standing(process)).toMatchObject({
      unit: anew,
      refusedBy: [unitUrl(1)],
      version: 3,
      state: 'provisional',
    })
    expect(store.counted()).toEqual(new Map([[anew, 1]]))
  })

  it('starts anew when all have refused it', async () => {
    const { store, router, run } = world(openUnits(2))
    store.overwrite(placed({ state: 'provisional', refusedBy: [unitUrl(0), unitUrl(1)], version: 4 }))
    const anew = await run(router().place(process, owner))
    expect(store.standing(process)).toMatchObject({ unit: anew, refusedBy: [], version: 5 })
    const alone = world(openUnits(1))
    alone.store.overwrite(placed({ unit: unitUrl(0), state: 'provisional', refusedBy: [unitUrl(0)], version: 2 }))
    expect(await alone.run(alone.router().place(process, owner))).toBe(unitUrl(0))
    expect(alone.store.standing(process)).toMatchObject({ refusedBy: [], version: 3 })
  })

  it('does not change once settled, even where its unit is among those that refused', async () => {
    const { store, router, run } = world()
    store.overwrite(placed({ refusedBy: [unitUrl(1)], version: 3 }))
    expect(await run(router().place(process, owner))).toBe(unitUrl(1))
    expect(store.standing(process)?.version).toBe(3)
  })

  it('gives up where units refuse it as fast as it is placed', async () => {
    const { store, router, run } = world()
    // Each answer tells of a refusal already.
    for (const name of ['place', 'change'] as const) {
      const write: (...args: Placement[]) => Promise<Placement> = store[name].bind(store)
      store[name] = async (...args: Placement[]) => {
        const written = await write(...args)
        const refused = { ...written, refusedBy: [...written.refusedBy, written.unit] }
        store.overwrite(refused)
        return refused
      }
    }
    await expect(run(router().place(process, owner))).rejects.toMatchObject({ code: 'unavailable' })
  })

  it.each(['read', 'counts', 'deadAmong', 'place', 'change'] as const)(
    'is unavailable where %s fails',
    async (name) => {
      const { store, router, run, down } = world()
      if (name === 'change') store.overwrite(placed({ state: 'provisional', refusedBy: [unitUrl(1)], version: 2 }))
      down.add(name)
      const one = router()
      await expect(run(one.place(process, owner))).rejects.toMatchObject({ code: 'unavailable' })
      down.clear()
      const url = await run(one.place(process, owner))
      expect(store.standing(process)?.unit).toBe(url)
    },
  )

  it('goes to no unit that is dead, however few processes that has', async () => {
    const { store, router, run } = world()
    for (let i = 0; i < 20; i++) store.overwrite(placed({ process: idOf(i), unit: unitUrl(i % 2) }))
    await run(store.declareDead(unitUrl(2), 1))
    for (let i = 0; i < 10; i++) expect(await run(router().place(idOf(`new ${i}`), owner))).not.toBe(unitUrl(2))
    for (const url of [unitUrl(0), unitUrl(1)]) await run(store.declareDead(url, 1))
    await expect(run(router().place(process, owner))).rejects.toMatchObject({ code: 'unavailable' })
    expect(store.standing(process)).toBeUndefined()
  })

  it('is made again where its unit died before it took the process', async () => {
    const { store, router, run } = world()
    store.overwrite(placed({ state: 'provisional' }))
    expect(await run(router().place(process, owner))).toBe(unitUrl(1))
    await run(store.declareDead(unitUrl(1), 1))
    const again = await run(router().place(process, owner))
    expect(again).not.toBe(unitUrl(1))
    expect(store.standing(process)).toMatchObject({ unit: again, state: 'provisional', version: 2 })
    // A process that the dead unit took is moved by an operator only.
    store.overwrite(placed())
    expect(await run(router().place(process, owner))).toBe(unitUrl(1))
  })

  it('either follows a unit that claims the process as it is declared dead, or takes the process from it', async () => {
    let [kept, taken] = [0, 0]
    for (const seed of seeds(1000, 100)) {
      const store = new FakePlacementStore()
      const clock = new VirtualClock(1_700_000_000_000, seed)
      store.overwrite(placed({ state: 'provisional' }))
      const dying = createOwnPlacement({ store, ownUrl: unitUrl(1), clock })
      await clock.run(dying.check())
      const wait = () => clock.sleep(50 * clock.random())
      store.faults = { before: wait, after: wait }
      const router = new Placements({ store, units: openUnits(3), clock })
      const [claimed, url] = await clock.run(
        Promise.all([
          clock
            .sleep(400 * clock.random())
            .then(() => dying.claim(process))
            .then(
              () => true,
              () => false,
            ),
          store.declareDead(unitUrl(1), 1).then(() => router.place(process, owner)),
        ]),
      )
      if (claimed) kept++
      else taken++
      expect(store.standing(process)).toMatchObject({ unit: url, state: claimed ? 'settled' : 'provisional' })
      expect(claimed).toBe(url === unitUrl(1))
    }
    if (kept + taken > 50) expect(Math.min(kept, taken)).toBeGreaterThan(0)
  })

  it('takes what stands where its answer got lost', async () => {
    const { store, router, run } = world()
    const faults = store.faults
    store.faults = {
      ...faults,
      after({ name }) {
        if (name === 'place') throw new Error('lost')
      },
    }
    await expect(run(router().place(process, owner))).rejects.toMatchObject({ code: 'unavailable' })
    const standing = store.standing(process)
    expect(standing).toBeDefined()
    store.faults = faults
    expect(await run(router().place(process, owner))).toBe(standing?.unit)
    expect(store.standing(process)).toEqual(standing)
  })
})

describe('asking for the unit of a process', () => {
  it('believes a settled placement of its own region, and remembers it for a minute', async () => {
    const { store, clock, router, run, asked } = world()
    store.overwrite(placed())
    const one = router()
    expect(await run(one.unitOf(process))).toBe(unitUrl(1))
    expect(asked()).toEqual(['glance'])
    store.overwrite(placed({ unit: unitUrl(2), version: 2 }))
    await run(clock.sleep(59_000))
    expect(await run(one.unitOf(process))).toBe(unitUrl(1))
    expect(await run(one.place(process, owner))).toBe(unitUrl(1))
    expect(asked()).toEqual([])
    await run(clock.sleep(2_000))
    expect(await run(one.unitOf(process))).toBe(unitUrl(2))
    expect(asked()).toEqual(['glance'])
  })

  it('asks the home region for anything else, and remembers it only when settled', async () => {
    const { store, router, run, asked } = world()
    const one = router()
    expect(await run(one.unitOf(process))).toBeUndefined()
    expect(asked()).toEqual(['glance', 'read'])
    store.overwrite(placed({ state: 'provisional' }))
    expect(await run(one.unitOf(process))).toBe(unitUrl(1))
    expect(await run(one.unitOf(process))).toBe(unitUrl(1))
    expect(asked()).toEqual(['glance', 'read', 'glance', 'read'])
    store.overwrite(placed({ version: 2 }))
    expect(await run(one.place(process, owner))).toBe(unitUrl(1))
    expect(await run(one.unitOf(process))).toBe(unitUrl(1))
    expect(asked()).toEqual(['read'])
  })

  it('is placed nowhere when its id is none, which reaches no store', async () => {
    const { router, run, asked } = world()
    for (const none of [
      '',
      'x',
      '~count/0',
      `~dead/${unitUrl(1)}`,
      `${process}x`,
      `${process.slice(0, -1)}_`,
      '/'.repeat(43),
    ]) {
      expect(await run(router().unitOf(none))).toBeUndefined()
      await expect(run(router().place(none, owner))).rejects.toMatchObject({ code: 'invalid-request' })
    }
    expect(asked()).toEqual([])
  })

  it('asks once, however many ask at once', async () => {
    const { router, run, asked } = world()
    const one = router()
    await run(Promise.all(Array.from({ length: 50 }, () => one.unitOf(process))))
    expect(asked()).toEqual(['glance', 'read'])
  })

  it('answers nothing that may be over by the time of the question', async () => {
    const { store, clock, router, run } = world()
    const one = router()
    const late = new FakePlacementStore()
    // A read that has seen nothing yet, and takes its time to say so.
    let first = true
    late.read = async (id) => {
      const seen = await store.read(id)
      if (first) {
        first = false
        await clock.sleep(500)
      }
      return seen
    }
    const slow = router({ store: late })
    const before = slow.unitOf(process)
    await run(clock.sleep(100))
    const url = await run(one.place(process, owner))
    expect(await run(slow.unitOf(process))).toBe(url)
    expect(await before).toBeUndefined()
  })

  it('an outage is unavailable, and never "placed nowhere"', async () => {
    const { store, router, run, down } = world()
    down.add('read')
    await expect(run(router().unitOf(process))).rejects.toMatchObject({ code: 'unavailable' })
    // What its own region knows settled is served all the same.
    store.overwrite(placed())
    expect(await run(router().unitOf(process))).toBe(unitUrl(1))
    down.add('glance')
    await expect(run(router().unitOf(process))).rejects.toMatchObject({ code: 'unavailable' })
    down.delete('read')
    expect(await run(router().unitOf(process))).toBe(unitUrl(1))
  })
})

it('names units that the list leaves out although they keep processes', async () => {
  const { store, router, run, down } = world(openUnits(2))
  expect(await run(router().leftOut())).toEqual([])
  store.overwrite(placed({ unit: unitUrl(0) }))
  store.overwrite(placed({ process: idOf(2), unit: unitUrl('gone') }))
  store.overwrite(placed({ process: idOf(3), unit: unitUrl('gone'), state: 'provisional' }))
  expect(await run(router().leftOut())).toEqual([{ url: unitUrl('gone'), processes: 2 }])
  down.add('counts')
  await expect(run(router().leftOut())).rejects.toMatchObject({ code: 'unavailable' })
})
