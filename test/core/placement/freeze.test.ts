/** Freezing and opening by hand: never two open heads, whatever moves there are. */
import { beforeEach, describe, expect, it } from 'vitest'
import { freezeProcess, openProcess } from '../../../core/placement/freeze.ts'
import { abandonMove } from '../../../core/placement/move-abandon.ts'
import { MoveWorld, type TestUnit } from './move-world.ts'

let world: MoveWorld
let a: TestUnit
let b: TestUnit
beforeEach(() => {
  world = new MoveWorld()
  ;({ a, b } = world)
})

const freeze = (process: string, unit: TestUnit) => world.clock.run(freezeProcess(process, unit))
const open = (process: string, unit: TestUnit, placements = true) =>
  world.clock.run(openProcess(placements ? world.placements : undefined, process, unit))
const refused = (sentence: string) => ({ code: 'invalid-request', message: expect.stringContaining(sentence) })

/** A move that ends before the placement is changed. */
async function interruptedMove(process: string): Promise<void> {
  world.placements.faults = {
    before({ name }) {
      if (name === 'change') throw new Error('away')
    },
  }
  await expect(world.move(process, a, b)).rejects.toMatchObject({ code: 'unavailable' })
  world.placements.faults = {}
}

describe('a process', () => {
  it('is frozen and opened, again and again, and goes on', async () => {
    const process = await world.spawn(a)
    const at = { process, unit: a.url }
    for (const placements of [true, false, true]) {
      expect(await open(process, a, placements)).toEqual({ ...at, state: 'open', changed: false })
      expect(await freeze(process, a)).toEqual({ ...at, state: 'frozen', changed: true })
      expect(await freeze(process, a)).toEqual({ ...at, state: 'frozen', changed: false })
      await expect(world.grow(a, process, 1)).rejects.toMatchObject({ code: 'frozen' })
      expect(await open(process, a, placements)).toEqual({ ...at, state: 'open', changed: true })
      await world.grow(a, process, 1)
    }
  })

  it('is neither frozen nor opened where it is not, or not yet', async () => {
    const unknown = 'A'.repeat(43)
    const process = await world.spawn(a)
    await a.log.setState(process, 'open', 'incomplete')
    for (const change of [freeze, open]) {
      await expect(change(unknown, a)).rejects.toMatchObject(refused('has no such process'))
      await expect(change(process, a)).rejects.toMatchObject(refused('is still being brought'))
    }
  })

  it('is not opened in a log that came back from a backup, or was never begun', async () => {
    const process = await world.spawn(a)
    await freeze(process, a)
    a.identity.tables = 'restored'
    await expect(open(process, a)).rejects.toMatchObject(refused('came back from a backup'))
    a.identity.identity = undefined
    await expect(open(process, a)).rejects.toMatchObject(refused('never begun'))
    expect(world.open(process)).toEqual([])
  })

  it('is not opened where nobody placed it, nor on a unit that is dead', async () => {
    const process = await world.spawn(a)
    await freeze(process, a)
    await world.placements.declareDead(a.url, 1)
    await expect(open(process, a)).rejects.toMatchObject(refused('declared dead'))
    await world.placements.declareDead(a.url, undefined)
    world.placements.forget(process)
    await expect(open(process, a)).rejects.toMatchObject(refused('placed on no unit'))
    world.placements.overwrite({ process, unit: a.url, state: 'provisional', refusedBy: [], version: 1, at: 1 })
    await expect(open(process, a)).rejects.toMatchObject(refused('provisional'))
  })
})

describe('a process that was moved', () => {
  it('is never opened where it was, with or without a table of placements', async () => {
    const process = await world.spawn(a)
    await world.move(process, a, b)
    await expect(open(process, a)).rejects.toMatchObject(refused(`placed on ${b.url}`))
    await expect(open(process, a, false)).rejects.toMatchObject(refused('without PLACEMENTS_TABLE'))
    expect(world.open(process)).toEqual([b.url])
  })

  it('is frozen and opened where it is', async () => {
    const process = await world.spawn(a)
    await world.move(process, a, b)
    await freeze(process, b)
    await expect(open(process, b, false)).rejects.toMatchObject(refused('without PLACEMENTS_TABLE'))
    expect(await open(process, b)).toMatchObject({ changed: true })
    await world.move(process, b, a)
    await freeze(process, a)
    expect(await open(process, a)).toMatchObject({ changed: true })
    await expect(open(process, b)).rejects.toMatchObject(refused(`placed on ${a.url}`))
    expect(world.open(process)).toEqual([a.url])
  })

  it('is not opened in the middle of its move; the move ends that state, or its abandoning', async () => {
    const process = await world.spawn(a)
    await interruptedMove(process)
    await expect(open(process, a)).rejects.toMatchObject(refused('placement abandon'))
    await expect(open(process, b)).rejects.toMatchObject(refused(`placed on ${a.url}`))
    await world.clock.run(abandonMove(world.deps, process, a))
    expect(world.open(process)).toEqual([a.url])
    await freeze(process, a)
    expect(await open(process, a)).toMatchObject({ changed: true })
  })

  it('who opens it and is held up until it was moved opens nothing', async () => {
    const process = await world.spawn(a)
    for (const [from, to] of [
      [a, b],
      [b, a],
      [a, b],
    ] as const) {
      await freeze(process, from)
      let moved = false
      from.fence.faults = {
        async before({ name }) {
          if (name !== 'open' || moved) return
          moved = true
          // Somebody else opens it meanwhile, and moves it.
          await openProcess(world.placements, process, from)
          await world.move(process, from, to)
        },
      }
      await expect(openProcess(world.placements, process, from)).rejects.toMatchObject(refused('Somebody else'))
      from.fence.faults = {}
      expect(world.open(process)).toEqual([to.url])
      expect(from.head(process)?.state).toBe('frozen')
    }
  })
})
