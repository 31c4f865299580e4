/** A unit is lost: its processes move without its log, and what it would still do with them is prevented. */
import { beforeEach, describe, expect, it } from 'vitest'
import { revive } from '../../../core/placement/adopt-revived.ts'
import { abandonMove } from '../../../core/placement/move-abandon.ts'
import { DEAD_FOR_MS, moveFromDead } from '../../../core/placement/move-from-dead.ts'
import { audit } from '../log/audit.ts'
import { Killed, MoveWorld, mortal, type TestUnit } from './move-world.ts'

let world: MoveWorld
let a: TestUnit
let b: TestUnit
let c: TestUnit
beforeEach(() => {
  world = new MoveWorld()
  ;({ a, b, c } = world)
})

const fromDead = (process: string, to: TestUnit, deps = world.deps) => world.clock.run(moveFromDead(deps, process, to))

const declaredDead = async (unit: TestUnit, agoMs = DEAD_FOR_MS) =>
  world.placements.declareDead(unit.url, world.clock.now() - agoMs)

/** What an operator restores: everything that A has, as a frozen copy on B. */
function restored(process: string, upTo = Number.POSITIVE_INFINITY): void {
  const head = a.head(process)
  if (!head) throw new Error('no head')
  const records = [...a.log.held.records.values()].filter((record) => record.process === process && record.nonce < upTo)
  b.log.restore({ ...head, state: 'frozen' }, records)
}

async function grown(): Promise<string> {
  const process = await world.spawn(a)
  await world.grow(a, process, 70)
  return process
}

const refused = (sentence: string) => ({ code: 'invalid-request', message: expect.stringContaining(sentence) })

describe('a process of a lost unit', () => {
  it('moves where its restored copy is, and goes on there', async () => {
    const process = await grown()
    restored(process)
    await declaredDead(a)
    expect(await fromDead(process, b)).toMatchObject({ unit: b.url, version: 3, next: 71 })
    expect(world.placements.standing(process)).toMatchObject({ unit: b.url, state: 'settled', version: 3 })
    expect(await world.schedule(b, await world.message(process))).toMatchObject({ nonce: 71 })
    expect((await audit(b.log, process)).faults).toEqual([])
    expect(await fromDead(process, b)).toMatchObject({ unit: b.url, version: 3 })
  })

  it('is read to its end also where few records come in one answer', async () => {
    const process = await grown()
    restored(process)
    await declaredDead(a)
    b.log.recordsAtOnce = 5
    expect(await fromDead(process, b)).toMatchObject({ unit: b.url, version: 3, next: 71 })
  })

  it('moves where a move had brought all of it before the unit died', async () => {
    const process = await grown()
    world.placements.faults = {
      before: ({ name }) => {
        if (name === 'change') throw new Error('away')
      },
    }
    await expect(world.move(process, a, b)).rejects.toMatchObject({ code: 'unavailable' })
    world.placements.faults = {}
    await declaredDead(a)
    expect(await fromDead(process, b)).toMatchObject({ unit: b.url, version: 3, next: 71 })
  })

  it('stays while the unit may still be scheduling', async () => {
    const process = await grown()
    restored(process)
    await expect(fromDead(process, b)).rejects.toMatchObject(refused('not declared dead'))
    await declaredDead(a, DEAD_FOR_MS - 90_000)
    await expect(fromDead(process, b)).rejects.toMatchObject(refused('Wait 2 more minutes'))
    await world.clock.run(world.clock.sleep(90_000))
    await fromDead(process, b)
  })

  it('stays where the unit turned out to be alive meanwhile', async () => {
    const process = await grown()
    restored(process)
    await declaredDead(a)
    b.imports.faults = { after: () => world.placements.declareDead(a.url, undefined) }
    await expect(fromDead(process, b)).rejects.toMatchObject(refused('not declared dead'))
    expect(world.placements.standing(process)?.unit).toBe(a.url)
    expect(b.head(process)?.state).toBe('frozen')
  })

  it('is not taken from a copy that is not whole, or is an old one', async () => {
    const process = await grown()
    await declaredDead(a)
    await expect(fromDead(process, b)).rejects.toMatchObject(refused('has no copy'))

    restored(process, 50)
    await expect(fromDead(process, b)).rejects.toMatchObject({ code: 'unavailable' })
    restored(process)
    const record = b.log.held.records.get(`${process}/3`)
    if (!record) throw new Error('no record')
    b.log.held.records.set(`${process}/3`, { ...record, blockHeight: 1 })
    await expect(fromDead(process, b)).rejects.toMatchObject(refused('nonce 3 was signed with another Block-Height'))
    restored(process)
    b.log.restore({ ...(b.head(process) ?? expect.unreachable()), next: 70 }, [])
    await expect(fromDead(process, b)).rejects.toMatchObject(refused('not the assignment that the head goes on from'))

    restored(process)
    await b.log.setState(process, 'frozen', 'incomplete')
    await expect(fromDead(process, b)).rejects.toMatchObject(refused('is incomplete, and must be'))
    b.identity.tables = 'restored'
    await expect(fromDead(process, b)).rejects.toMatchObject(refused('came back from a backup'))
    expect(world.placements.standing(process)?.unit).toBe(a.url)
  })

  it('is not taken from what an earlier move left behind, or a lost one brought', async () => {
    const process = await grown()
    // B's copy is what it left behind; C has gone on.
    await world.move(process, a, b)
    await world.move(process, b, c)
    await world.grow(c, process, 5)
    await declaredDead(c)
    await expect(fromDead(process, b)).rejects.toMatchObject(refused(`from before the process came to ${c.url}`))

    // A copy that an abandoned move brought: A has gone on.
    const other = await grown()
    world.placements.faults = {
      before: ({ name }) => {
        if (name === 'change') throw new Error('away')
      },
    }
    await expect(world.move(other, a, b)).rejects.toMatchObject({ code: 'unavailable' })
    world.placements.faults = {}
    await world.clock.run(abandonMove(world.deps, other, a))
    await world.grow(a, other, 5)
    await declaredDead(a)
    await expect(fromDead(other, b)).rejects.toMatchObject(refused(`from before the process came to ${a.url}`))
    expect(world.open(other)).toEqual([a.url])
  })

  for (const lastHappens of [false, true]) {
    it(`is moved in the end by who was killed ${lastHappens ? 'after' : 'before'} each step`, async () => {
      let died = true
      let step = 0
      for (; died; step++) {
        world = new MoveWorld(step)
        ;({ a, b, c } = world)
        const process = await grown()
        restored(process)
        await declaredDead(a)
        const life = { calls: step, lastHappens }
        died = await fromDead(process, mortal<TestUnit>(b, life), mortal(world.deps, life)).then(
          () => false,
          (error) => error instanceof Killed || expect.unreachable(String(error)),
        )
        await fromDead(process, b)
        expect(await world.schedule(b, await world.message(process))).toMatchObject({ nonce: 71 })
        expect(world.placements.standing(process)).toMatchObject({ unit: b.url, version: 3 })
      }
      expect(step).toBeGreaterThan(9)
    })
  }
})

describe('a unit that comes back', () => {
  it('schedules what is still its own, and nothing that was moved away', async () => {
    const [moved, own] = [await grown(), await world.spawn(a)]
    restored(moved)
    await declaredDead(a)
    await fromDead(moved, b)
    // Its head is open: only that the unit is dead keeps it from going on.
    expect(world.open(moved)).toEqual([a.url, b.url])
    expect(await world.clock.run(revive(world.placements, a))).toEqual({ unit: a.url, processes: 2, frozen: 1 })
    expect(await world.placements.deadSince(a.url)).toBeUndefined()
    expect(world.open(moved)).toEqual([b.url])
    await expect(world.schedule(a, await world.message(moved))).rejects.toMatchObject({ code: 'frozen' })
    await world.grow(a, own, 1)
    await world.grow(b, moved, 1)
    expect(await world.clock.run(revive(world.placements, a))).toMatchObject({ frozen: 0 })

    // And back again, over what it had scheduled last.
    await world.move(moved, b, a)
    await world.grow(a, moved, 1)
    expect((await audit(a.log, moved)).faults).toEqual([])
  })

  it('stays dead while its log cannot be looked through', async () => {
    await grown()
    await declaredDead(a)
    a.relay.faults = {
      before: () => {
        throw new Error('away')
      },
    }
    await expect(world.clock.run(revive(world.placements, a))).rejects.toMatchObject({ code: 'unavailable' })
    expect(await world.placements.deadSince(a.url)).toBeDefined()
  })

  it('freezes what is moved away while it comes back', async () => {
    const process = await grown()
    restored(process)
    await declaredDead(a)
    world.placements.faults = {
      before: async ({ name, args }) => {
        if (name === 'declareDead' && args[1] === undefined) await fromDead(process, b)
      },
    }
    expect(await world.clock.run(revive(world.placements, a))).toMatchObject({ frozen: 1 })
    expect(world.open(process)).toEqual([b.url])
  })
})
