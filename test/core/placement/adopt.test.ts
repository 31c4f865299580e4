/** What a unit has already is placed on it. */
import { beforeEach, expect, it } from 'vitest'
import { type Adoption, adopt } from '../../../core/placement/adopt.ts'
import { MoveWorld, type TestUnit } from './move-world.ts'

let world: MoveWorld
let a: TestUnit
let b: TestUnit
beforeEach(() => {
  world = new MoveWorld()
  ;({ a, b } = world)
})

const adopted = (unit: TestUnit): Promise<Adoption[]> =>
  world.clock.run(
    (async () => {
      const found: Adoption[] = []
      for await (const adoption of adopt({ placements: world.placements, clock: world.clock }, unit))
        found.push(adoption)
      return found
    })(),
  )

/** A process that nobody has placed. */
async function unplaced(unit: TestUnit): Promise<string> {
  const process = await world.spawn(unit)
  world.placements.forget(process)
  return process
}

const kinds = (adoptions: Adoption[]) => adoptions.map(({ kind }) => kind)

it('places every process, once', async () => {
  const processes = []
  for (let n = 0; n < 40; n++) processes.push(await unplaced(a))
  const found = await adopted(a)
  expect(new Set(found)).toEqual(new Set(processes.map((process) => ({ process, kind: 'placed' }))))
  for (const process of processes) {
    expect(world.placements.standing(process)).toMatchObject({
      unit: a.url,
      state: 'settled',
      version: 1,
      refusedBy: [],
    })
  }
  await world.clock.run(world.clock.sleep(5))
  expect(kinds(await adopted(a))).toEqual(processes.map(() => 'there'))
  expect(world.placements.counted()).toEqual(new Map([[a.url, 40]]))
})

it('changes nothing that is placed elsewhere, and says so', async () => {
  const [own, others] = [await unplaced(a), await world.spawn(a)]
  world.placements.overwrite({ process: others, unit: b.url, state: 'provisional', refusedBy: [], version: 1, at: 1 })
  expect(new Set(await adopted(a))).toEqual(
    new Set([
      { process: own, kind: 'placed' },
      { process: others, kind: 'elsewhere', unit: b.url },
    ]),
  )
  expect(world.placements.standing(others)).toMatchObject({ unit: b.url, state: 'provisional' })
})

it('settles what it has and is placed on it for the time being', async () => {
  const process = await world.spawn(a)
  world.placements.overwrite({ process, unit: a.url, state: 'provisional', refusedBy: [], version: 1, at: 1 })
  expect(await adopted(a)).toEqual([{ process, kind: 'there' }])
  expect(world.placements.standing(process)).toMatchObject({ unit: a.url, state: 'settled', version: 2 })
})

it('leaves copies alone, and places what is frozen by other means', async () => {
  const [moved, frozen, coming] = [await world.spawn(a), await unplaced(a), await unplaced(a)]
  await a.log.setState(frozen, 'open', 'frozen')
  await a.log.setState(coming, 'open', 'incomplete')
  await world.move(moved, a, b)
  world.placements.forget(moved)
  expect(new Set(await adopted(a))).toEqual(
    new Set([
      { process: moved, kind: 'copy' },
      { process: frozen, kind: 'placed' },
      { process: coming, kind: 'copy' },
    ]),
  )
  // A table that was lost: what is there now must be newer than what heads have seen.
  expect(kinds(await adopted(b))).toEqual(['placed'])
  expect(world.placements.standing(moved)).toMatchObject({ unit: b.url, version: 4 })
  await world.move(moved, b, a)
  expect(world.open(moved)).toEqual([a.url])
})

it('fails when the table does not answer, and is done again', async () => {
  const process = await unplaced(a)
  world.placements.faults = {
    before: () => {
      throw new Error('away')
    },
  }
  await expect(adopted(a)).rejects.toMatchObject({ code: 'unavailable' })
  world.placements.faults = {
    after: () => {
      throw new Error('away')
    },
  }
  await expect(adopted(a)).rejects.toMatchObject({ code: 'unavailable' })
  world.placements.faults = {}
  await world.clock.run(world.clock.sleep(5))
  expect(await adopted(a)).toEqual([{ process, kind: 'there' }])
})
