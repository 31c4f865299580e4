/** The operator's commands about one process: what they print, what they do, and how they end. */
import { beforeEach, describe, expect, it } from 'vitest'
import { run } from '../../operator/run.ts'
import { MoveWorld, type TestUnit } from '../core/placement/move-world.ts'
import { closed } from './workplace.ts'

let world: MoveWorld
let a: TestUnit
let b: TestUnit
let printed: string[]
let complaints: string[]
let withPlacements: boolean
beforeEach(() => {
  world = new MoveWorld()
  ;({ a, b } = world)
  withPlacements = true
})

const su = (...args: string[]) => {
  printed = []
  complaints = []
  return world.clock.run(
    run(args, {
      ...closed,
      unit: async (where) => (where === 'b' ? b : a),
      placementsOf: () => (withPlacements ? world.placements : undefined),
      clock: world.clock,
      print: (line) => printed.push(line),
      complain: (line) => complaints.push(line),
    }),
  )
}
const unknown = `-${'A'.repeat(42)}`

describe('process show', () => {
  it('says how far it is, what is behind, and where it is placed', async () => {
    const process = await world.spawn(a)
    await world.grow(a, process, 3)
    await world.clock.run(a.relayed(process, ['upload']))
    await world.grow(a, process, 1)
    expect(await su('process', 'show', process)).toBe(0)
    const head = a.head(process) ?? expect.unreachable()
    expect(printed).toEqual([
      `${process}  open on ${a.url}; the next nonce is 5`,
      `  last assignment  ${head.lastAssignment?.toString('base64url')}, ${new Date(head.timestamp).toISOString()}, height 1234567`,
      `  hash chain       ${head.hashChain?.toString('base64url')}`,
      '  metadata         5 records behind',
      '  uploads          1 record behind',
      '  segments         all done',
      `  placement        settled on ${a.url} since 1970-01-01T00:00:00.001Z, version 2`,
    ])
    await su('process', 'show', process, '--json')
    expect(JSON.parse(printed.join())).toEqual({
      process,
      unit: a.url,
      state: 'open',
      next: 5,
      firstNonce: 0,
      timestamp: head.timestamp,
      blockHeight: 1_234_567,
      epoch: 0,
      settlementDepth: 20,
      lastAssignment: head.lastAssignment?.toString('base64url'),
      hashChain: head.hashChain?.toString('base64url'),
      sinks: { metadata: { behind: 5 }, upload: { next: 4, behind: 1 }, segments: { behind: 0 } },
      placement: { process, unit: a.url, state: 'settled', refusedBy: [], version: 2, at: 1 },
      owed: [],
    })
  })

  it('shows what is owed and in trouble, what a move left, and a process without an assignment', async () => {
    const process = await world.spawn(a, { assigned: false })
    withPlacements = false
    expect(await su('process', 'show', process)).toBe(0)
    expect(printed.slice(0, 6)).toEqual([
      `${process}  open on ${a.url}; the next nonce is 0`,
      expect.stringContaining('last assignment  none yet, '),
      '  hash chain       none yet',
      '  metadata         1 record behind',
      '  uploads          1 record behind',
      '  segments         all done',
    ])
    const part = { process, sink: 'upload', nonce: -1, part: 'item', id: 'the-id', reason: 'no', since: 0 } as const
    await a.relay.owe([{ ...part, tries: 3 }])
    await a.relay.owe([{ ...part, sink: 'metadata', part: 'record', tries: 1, next: 60_000 }])
    await a.relay.noteTrouble(process, 'upload', { nonce: -1, reason: 'status 503', since: 0 })
    await a.fence.freeze(process, 3)
    await su('process', 'show', process)
    expect(printed[4]).toBe(
      '  uploads          1 record behind; nonce -1 in trouble since 1970-01-01T00:00:00.000Z: status 503',
    )
    expect(printed.slice(6)).toEqual([
      '  frozen until     version 3 of its placement',
      '  dead letter      the-id  upload, item of nonce -1, dead letter, 3 attempts since 1970-01-01T00:00:00.000Z: no',
      '  owed             the-id  metadata, record of nonce -1, next attempt 1970-01-01T00:01:00.000Z, 1 attempt since 1970-01-01T00:00:00.000Z: no',
    ])
    await su('process', 'show', process, '--json')
    const shown = JSON.parse(printed.join())
    expect(shown).toMatchObject({ state: 'frozen', awaits: 3, owed: [{ id: 'the-id', nonce: -1 }, { part: 'record' }] })
    expect(shown).not.toHaveProperty('placement')
  })

  it('says that it is not here, and where it is', async () => {
    expect(await su('process', 'show', unknown)).toBe(1)
    expect(complaints).toEqual([`${a.url} has no process ${unknown}.`])
    const process = await world.spawn(b)
    expect(await su('process', 'show', process)).toBe(1)
    expect(complaints).toEqual([`${a.url} has no process ${process}: it is placed on ${b.url}.`])
    expect(await su('process', 'show', process, '--unit', 'b')).toBe(0)
  })
})

describe('process freeze and open', () => {
  it('stop processes and let them go on', async () => {
    const [one, other] = [await world.spawn(a), await world.spawn(a)]
    expect(await su('process', 'freeze', `${one},${other}`)).toBe(0)
    expect(printed).toEqual([`${one}  is frozen on ${a.url}`, `${other}  is frozen on ${a.url}`])
    expect(world.open(one)).toEqual([])
    await su('process', 'freeze', one)
    expect(printed).toEqual([`${one}  was frozen on ${a.url}`])
    expect(await su('process', 'open', one, '--json')).toBe(0)
    expect(JSON.parse(printed.join())).toEqual({ process: one, unit: a.url, state: 'open', changed: true })
    expect(world.open(one)).toEqual([a.url])
  })

  it('say why it may not be done, and go on with the next', async () => {
    const [moved, own] = [await world.spawn(a), await world.spawn(a)]
    await world.move(moved, a, b)
    await su('process', 'freeze', own)
    expect(await su('process', 'open', `${moved},${unknown},${own}`)).toBe(1)
    expect(complaints).toEqual([
      `${moved}: The process is placed on ${b.url}, not on ${a.url}.`,
      `${unknown}: ${a.url} has no such process.`,
    ])
    expect(printed).toEqual([`${own}  is open on ${a.url}`])
    expect(world.open(moved)).toEqual([b.url])
  })
})
