/** The operator's commands about placements and units: what they print, what they do, and how they end. */
import { beforeEach, describe, expect, it } from 'vitest'
import { DEAD_FOR_MS } from '../../core/placement/move-from-dead.ts'
import { refusal } from '../../core/placement/move-stores.ts'
import { UsageError } from '../../operator/command.ts'
import { run } from '../../operator/run.ts'
import { MoveWorld, type TestUnit } from '../core/placement/move-world.ts'
import { closed } from './workplace.ts'

let world: MoveWorld
let a: TestUnit
let b: TestUnit
let printed: string[]
let complaints: string[]
let listed: string[]
beforeEach(() => {
  world = new MoveWorld()
  ;({ a, b } = world)
  listed = []
})

/** The commands as an operator of A has them: `b` is where B's environment is. */
const su = (...args: string[]) => {
  printed = []
  complaints = []
  const places: Record<string, TestUnit> = { a, b, c: world.c }
  return world.clock.run(
    run(args, {
      ...closed,
      placements: () => world.placements,
      listedUnits: () => listed.map((url) => ({ url, routed: true, wallets: new Set(), walletsOnly: false })),
      async unit(where = 'a') {
        const unit = places[where]
        if (!unit) throw new UsageError(`There is no environment of a unit at ${where}.`)
        return unit
      },
      gateway: () => world.gateway,
      clock: world.clock,
      print: (line) => printed.push(line),
      complain: (line) => complaints.push(line),
    }),
  )
}
const objects = () => printed.map((line) => JSON.parse(line))

describe('placement show', () => {
  it('says which unit has it', async () => {
    const process = await world.spawn(a)
    expect(await su('placement', 'show', process)).toBe(0)
    expect(printed).toEqual([`${process}  settled on ${a.url} since 1970-01-01T00:00:00.001Z, version 2`])
    await su('placement', 'show', process, '--json')
    expect(objects()).toEqual([{ process, unit: a.url, state: 'settled', refusedBy: [], version: 2, at: 1 }])
    const refused = { process, unit: a.url, state: 'provisional', refusedBy: [b.url], version: 3, at: 1 } as const
    world.placements.overwrite(refused)
    await su('placement', 'show', process)
    expect(printed[1]).toBe(`  refused by ${b.url}`)
  })

  it('says that none has', async () => {
    const id = `-${'A'.repeat(42)}`
    expect(await su('placement', 'show', id)).toBe(1)
    expect(complaints).toEqual([`The process ${id} is placed on no unit.`])
  })
})

describe('placement move', () => {
  it('moves processes, one after the other', async () => {
    const processes = [await world.spawn(a), await world.spawn(a)]
    await world.clock.run(a.relayed(processes[0] ?? ''))
    expect(await su('placement', 'move', processes.join(), '--from', 'a', '--to=b')).toBe(0)
    expect(printed).toEqual([
      `${processes[0]}  on ${b.url}, version 3; the next nonce is 1`,
      `${processes[1]}  on ${b.url}, version 3; the next nonce is 1`,
      '  1 records were not uploaded yet: both units do it',
    ])
    for (const process of processes) expect(world.open(process)).toEqual([b.url])
    expect(await su('placement', 'move', '--json', '--from', 'b', '--to', 'a', processes.join())).toBe(0)
    expect(objects()).toMatchObject(processes.map((process) => ({ process, unit: a.url, version: 4, next: 1 })))
  })

  it('says that a process is there already', async () => {
    const process = await world.spawn(a)
    expect(await su('placement', 'move', process, '--from', 'a', '--to', 'b')).toBe(0)
    for (const way of [['--from', 'a'], ['--dead']]) {
      expect(await su('placement', 'move', process, ...way, '--to', 'b')).toBe(0)
      expect(printed).toEqual([`${process}  is on ${b.url} already, version 3: there was nothing to move`])
    }
    expect(await su('placement', 'move', process, '--from', 'a', '--to', 'b', '--json')).toBe(0)
    expect(objects()).toMatchObject([{ process, unit: b.url, opened: false }])
  })

  it('tells what could not be told', async () => {
    const process = await world.spawn(a)
    const transaction = world.transaction(process, { held: false })
    await world.schedule(a, transaction)
    expect(await su('placement', 'move', process, '--from', 'a', '--to', 'b')).toBe(0)
    expect(complaints).toEqual([
      `${process}: nonce 1, the transaction ${transaction.id}, is known by its id only: the gateway does not know it`,
    ])
  })

  it('says what is refused, and goes on with the next', async () => {
    const [elsewhere, own] = [await world.spawn(b), await world.spawn(a)]
    expect(await su('placement', 'move', `${elsewhere},${own}`, '--from', 'a', '--to', 'c')).toBe(1)
    expect(complaints).toEqual([`${elsewhere}: The process is placed on ${b.url}, not on ${a.url}.`])
    expect(world.open(own)).toEqual([world.c.url])
  })

  it('says how to go on where the process was left frozen, and either works', async () => {
    const process = await world.spawn(a)
    world.placements.faults = {
      before: ({ name }) => {
        if (name === 'change') throw new Error('away')
      },
    }
    for (let n = 0; n < 2; n++) {
      expect(await su('placement', 'move', process, '--from', 'a', '--to', 'b')).toBe(1)
      expect(complaints).toEqual([
        `${process}: The store does not answer.`,
        `It is frozen on ${a.url}: run it again, or: placement abandon ${process} --from a`,
      ])
    }
    world.placements.faults = {}
    expect(await su('placement', 'abandon', process, '--from', 'a')).toBe(0)
    expect(printed).toEqual([`${process}  on ${a.url}, version 3: goes on`])
    await world.grow(a, process, 1)
    expect(await su('placement', 'abandon', process, '--from', 'a', '--json')).toBe(0)
    expect(objects()).toEqual([{ process, unit: a.url, version: 3, opened: false }])
    expect(await su('placement', 'move', process, '--from', 'a', '--to', 'b')).toBe(0)
    expect(await su('placement', 'abandon', process, '--from', 'a')).toBe(1)
    expect(complaints).toEqual([`${process}: The process is placed on ${b.url}, not on ${a.url}.`])
  })

  it('moves a log that is not sound only where it is told to', async () => {
    const process = await world.spawn(a)
    await world.grow(a, process, 3)
    const record = a.log.held.records.get(`${process}/2`)
    if (!record) throw new Error('no record')
    a.log.held.records.set(`${process}/2`, { ...record, blockHeight: 7 })
    expect(await su('placement', 'move', process, '--from', 'a', '--to', 'b')).toBe(1)
    expect(complaints).toEqual([
      `${process}: The log on ${a.url} is not sound: nonce 2 was signed with another Block-Height.`,
    ])
    expect(world.open(process)).toEqual([a.url])
    expect(await su('placement', 'move', process, '--from', 'a', '--to', 'b', '--despite-faults')).toBe(0)
    expect(complaints).toEqual([`${process}: nonce 2 was signed with another Block-Height`])
  })

  it('from a unit that is lost, once it was declared dead for long enough', async () => {
    const process = await world.spawn(a)
    const records = [...a.log.held.records.values()]
    b.log.restore({ ...(a.head(process) ?? expect.unreachable()), state: 'frozen' }, records)
    expect(await su('placement', 'move', process, '--dead', '--to', 'b')).toBe(1)
    expect(complaints[0]).toContain('is not declared dead')
    expect(await su('units', 'dead', a.url)).toBe(0)
    expect(printed[0]).toContain(`${a.url} is dead since 20`)
    await world.clock.run(world.clock.sleep(DEAD_FOR_MS))
    expect(await su('placement', 'move', process, '--dead', '--to', 'b')).toBe(0)
    expect(printed).toEqual([`${process}  on ${b.url}, version 3; the next nonce is 1`])
    expect(await su('units', 'alive', a.url, '--unit', 'a')).toBe(0)
    expect(printed).toEqual([
      `${a.url} is alive. Its log has 1 processes; 1 that were moved away are frozen in it now.`,
    ])
    expect(world.open(process)).toEqual([b.url])
  })

  it('names what it cannot open', async () => {
    const process = await world.spawn(a)
    expect(await su('placement', 'move', process, '--from', 'a', '--to', 'nowhere')).toBe(2)
    expect(complaints[0]).toContain('There is no environment of a unit at nowhere.')
    const never = await world.clock.run(
      run(['placement', 'adopt'], {
        ...closed,
        placements: () => world.placements,
        unit: () => Promise.reject(refusal('The log was never begun.')),
        complain: (line) => complaints.push(line),
      }),
    )
    expect(never).toBe(1)
    expect(complaints.at(-1)).toBe('The log was never begun.')
  })
})

describe('placement adopt', () => {
  it('places what the unit has', async () => {
    const [own, other] = [await world.spawn(a), await world.spawn(a)]
    world.placements.forget(own)
    world.placements.overwrite({ process: other, unit: b.url, state: 'settled', refusedBy: [], version: 1, at: 1 })
    expect(await su('placement', 'adopt')).toBe(1)
    expect(printed).toEqual([`1 placed on ${a.url}, 0 were there, 1 are placed elsewhere, 0 are copies of a move.`])
    expect(complaints).toEqual([`${other} is placed on ${b.url}, and stays there.`])
    expect(await su('placement', 'adopt', '--unit', 'b')).toBe(0)
    world.placements.forget(other)
    expect(await su('placement', 'adopt', '--unit', 'a', '--json')).toBe(0)
    expect(
      objects()
        .map(({ process }) => process)
        .toSorted(),
    ).toEqual([own, other].toSorted())
  })
})

describe('units', () => {
  it('lists those that have processes or are listed', async () => {
    expect(await su('units', 'list')).toBe(0)
    expect(printed).toEqual(['No unit has a process.'])
    await world.spawn(a)
    await world.spawn(a)
    await world.spawn(b)
    expect(await su('units', 'list')).toBe(0)
    expect(printed).toEqual([`${a.url}  2 processes`, `${b.url}  1 process`])
    listed = [a.url, world.c.url]
    await su('units', 'dead', b.url, '--json')
    expect(objects()).toEqual([
      { url: b.url, deadSince: world.clock.now(), movableFrom: world.clock.now() + DEAD_FOR_MS },
    ])
    expect(await su('units', 'list')).toBe(0)
    expect(printed).toEqual([
      `${a.url}  2 processes`,
      `${b.url}  1 process, not in the list, dead since 2023-11-14T22:13:20.000Z`,
      `${world.c.url}  0 processes`,
    ])
    await su('units', 'list', '--json')
    expect(objects()[1]).toEqual({ url: b.url, processes: 1, listed: false, deadSince: world.clock.now() })
  })

  it('declares nobody dead who is not known, and nobody alive who is another', async () => {
    await world.spawn(a)
    expect(await su('units', 'dead', 'https://typo.example/')).toBe(1)
    expect(complaints).toEqual(['https://typo.example is not in the list of units, and has no processes.'])
    expect(await world.placements.deadSince('https://typo.example')).toBeUndefined()
    expect(await su('units', 'alive', a.url, '--unit', 'b')).toBe(1)
    expect(complaints).toEqual([`The unit at b is ${b.url}, not ${a.url}.`])
  })
})
