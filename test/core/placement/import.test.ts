/** Bringing in another router's placements: as often as one likes, whatever stands or fails meanwhile. */
import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  type ImportDeps,
  type ImportedBatch,
  type ImportOrder,
  importPlacements,
} from '../../../core/placement/import.ts'
import { destinationOf, type LeftOut, originOf, survey } from '../../../core/placement/import-plan.ts'
import type { PlacedElsewhere } from '../../../core/ports/placement-source.ts'
import type { Placement } from '../../../core/ports/placement-store.ts'
import { FakePlacementSource } from '../../fakes/placement-source.ts'
import { FakePlacementStore } from '../../fakes/placement-store.ts'
import { mulberry32, VirtualClock } from '../../fakes/virtual-clock.ts'

const [OLD_A, OLD_B, NEW_A, NEW_B] = [
  'http://old-a:9001',
  'http://old-b:9002',
  'https://a.example',
  'https://b.example',
]
const units = new Map([
  [OLD_A, NEW_A],
  [OLD_B, NEW_B],
])
const idOf = (n: number) => createHash('sha256').update(`process ${n}`).digest('base64url')
/** Rows 1 to `count`, on the two old units by turns. */
const rowsOf = (count: number): PlacedElsewhere[] =>
  Array.from({ length: count }, (_, i) => ({
    row: i + 1,
    process: idOf(i + 1),
    unit: i % 2 === 0 ? OLD_A : `${OLD_B}/`,
  }))

let store: FakePlacementStore
let clock: VirtualClock
beforeEach(() => {
  store = new FakePlacementStore()
  clock = new VirtualClock()
})

/** All batches until the source ends or something fails. */
async function bring(source: FakePlacementSource, order: Partial<ImportOrder> = {}, deps: Partial<ImportDeps> = {}) {
  const batches: ImportedBatch[] = []
  const all = { units, after: 0, dryRun: false, deadline: Number.POSITIVE_INFINITY, ...order }
  let failure: unknown
  try {
    for await (const batch of importPlacements({ source, store, clock, ...deps }, all)) batches.push(batch)
  } catch (error) {
    failure = error
  }
  const sum = (key: 'placed' | 'there') => batches.reduce((total, batch) => total + batch[key], 0)
  return {
    row: batches.at(-1)?.row,
    placed: sum('placed'),
    there: sum('there'),
    conflicts: batches.flatMap(({ conflicts }) => conflicts),
    leftOut: batches.flatMap(({ leftOut }) => leftOut),
    failure,
  }
}

const standingOn = (process: string, unit: string, more: Partial<Placement> = {}): Placement => ({
  process,
  unit,
  state: 'settled',
  refusedBy: [],
  version: 1,
  at: 1,
  ...more,
})

describe('bringing placements in', () => {
  it('places every process where the map has its unit, settled, and once', async () => {
    const source = new FakePlacementSource(rowsOf(25))
    expect(await bring(source)).toEqual({
      row: 25,
      placed: 25,
      there: 0,
      conflicts: [],
      leftOut: [],
      failure: undefined,
    })
    expect(store.counted()).toEqual(
      new Map([
        [NEW_A, 13],
        [NEW_B, 12],
      ]),
    )
    expect(store.standing(idOf(2))).toEqual(standingOn(idOf(2), NEW_B, { at: clock.now() }))

    store.onWrite = () => {
      throw new Error('written a second time')
    }
    expect(await bring(source)).toMatchObject({ placed: 0, there: 25, conflicts: [], failure: undefined })
  })

  it('leaves a process alone that stands elsewhere, and names it', async () => {
    const provisional = standingOn(idOf(4), NEW_A, { state: 'provisional' })
    store.overwrite(standingOn(idOf(1), NEW_B))
    store.overwrite(provisional)
    const { placed, conflicts } = await bring(new FakePlacementSource(rowsOf(5)))
    expect(placed).toBe(3)
    expect(conflicts).toEqual([
      { process: idOf(1), stands: NEW_B, wanted: NEW_A },
      { process: idOf(4), stands: NEW_A, wanted: NEW_B },
    ])
    expect(store.standing(idOf(4))).toEqual(provisional)
  })

  it('settles what stands at the same unit for the time being', async () => {
    store.overwrite(standingOn(idOf(1), NEW_A, { state: 'provisional', version: 3, refusedBy: [NEW_B] }))
    expect(await bring(new FakePlacementSource(rowsOf(2)))).toMatchObject({ placed: 1, there: 1 })
    expect(store.standing(idOf(1))).toEqual(standingOn(idOf(1), NEW_A, { version: 4, refusedBy: [NEW_B] }))
  })

  it('sees what another one changes under its hands', async () => {
    store.overwrite(standingOn(idOf(1), NEW_A, { state: 'provisional' }))
    let changes = 0
    store.faults = {
      before({ name }) {
        if (name !== 'change' || changes++ > 0) return
        store.overwrite(standingOn(idOf(1), NEW_B, { version: 2, state: 'provisional', refusedBy: [NEW_A] }))
      },
    }
    const { conflicts, failure } = await clock.run(bring(new FakePlacementSource(rowsOf(1))))
    expect(failure).toBeUndefined()
    expect(conflicts).toEqual([{ process: idOf(1), stands: NEW_B, wanted: NEW_A }])
  })

  it('leaves out by name what no process can be placed by, and places the rest', async () => {
    const rows = rowsOf(6)
    const bad = ['', 'short', `${idOf(2)}=`, `~${idOf(2).slice(1)}`]
    const wrong = bad.map((process, i) => ({ row: 10 + i, process, unit: OLD_A }))
    const lost = { row: 20, process: idOf(20), unit: undefined }
    const late = { row: 21, process: idOf(21), unit: 'http://late:1' }
    const { placed, leftOut } = await bring(new FakePlacementSource([...rows, ...wrong, lost, late], 4))
    expect(placed).toBe(6)
    expect(leftOut).toEqual([
      ...wrong.map(({ row, process }) => ({ row, process, reason: 'it is no id of a process' })),
      { row: 20, process: idOf(20), reason: 'its unit is not in the table of units' },
      { row: 21, process: idOf(21), reason: 'its unit http://late:1 is not in the map' },
    ])
    expect([...store.counted().values()]).toEqual([3, 3])
  })

  it('of a process that is there twice takes one, and names the other', async () => {
    const [first] = rowsOf(1)
    if (!first) throw new Error('there is one')
    const source = new FakePlacementSource([first, { ...first, row: 2, unit: OLD_B }, { ...first, row: 3 }])
    const { placed, there, conflicts } = await bring(source)
    expect([placed + there, conflicts.length]).toEqual([2, 1])
    expect(await bring(source)).toMatchObject({ placed: 0, there: 2, conflicts: [{ process: first.process }] })
  })

  it('writes nothing in a dry run, and says what it would do', async () => {
    store.overwrite(standingOn(idOf(1), NEW_B))
    store.overwrite(standingOn(idOf(3), NEW_A, { state: 'provisional' }))
    store.onWrite = () => {
      throw new Error('written')
    }
    expect(await bring(new FakePlacementSource(rowsOf(9)), { dryRun: true })).toMatchObject({
      placed: 7,
      there: 1,
      conflicts: [{ process: idOf(1) }],
      failure: undefined,
    })
    expect(store.standing(idOf(2))).toBeUndefined()
  })

  it('has a bounded number of rows under way, and reads on only when it is asked to', async () => {
    let [now, most] = [0, 0]
    store.faults = {
      async before() {
        most = Math.max(most, ++now)
        await clock.sleep(5)
        now--
      },
    }
    const source = new FakePlacementSource(rowsOf(500), 50)
    const order = { units, after: 0, dryRun: false, deadline: Number.POSITIVE_INFINITY }
    const batches = importPlacements({ source, store, clock }, order)
    await clock.run(batches.next())
    expect(source.given).toBe(50)
    await clock.run(batches.return(undefined))
    await clock.run(bring(source))
    expect(most).toBeLessThanOrEqual(16)
  })
})

describe('bringing placements in through trouble', () => {
  it('bears with a store that is away for a while', async () => {
    const back = clock.now() + 20_000
    store.faults = {
      before() {
        if (clock.now() < back) throw new Error('away')
      },
    }
    expect(await clock.run(bring(new FakePlacementSource(rowsOf(30))))).toMatchObject({
      placed: 30,
      failure: undefined,
    })
  })

  it('gives up in the end, or at its deadline, and does not take it for an end', async () => {
    store.faults = {
      before() {
        throw new Error('away')
      },
    }
    const begin = clock.now()
    const { failure, row } = await clock.run(bring(new FakePlacementSource(rowsOf(30))))
    expect([failure, row]).toEqual([expect.objectContaining({ code: 'unavailable' }), undefined])
    expect(clock.now() - begin).toBeLessThan(60_000)

    const then = clock.now()
    await clock.run(bring(new FakePlacementSource(rowsOf(30)), { deadline: then + 3_000 }))
    expect(clock.now() - then).toBeLessThanOrEqual(3_000)
  })

  it('goes on from where it failed, and every process is placed once, with lost answers and killed runs', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const chance = mulberry32(seed)
      store = new FakePlacementStore()
      const writes = new Map<string, number>()
      store.onWrite = ({ process }) => writes.set(process, (writes.get(process) ?? 0) + 1)
      const source = new FakePlacementSource(rowsOf(60), 7)
      const stumble = () => {
        if (chance() < 0.05) throw new Error('stumbled')
      }
      source.faults = { before: stumble, after: stumble }
      store.faults = { before: stumble, after: stumble }
      let after = 0
      for (let run = 0; run < 200; run++) {
        // Now and then nobody remembers where it was.
        if (chance() < 0.2) after = 0
        const { row, failure } = await clock.run(bring(source, { after }))
        after = row ?? after
        if (failure === undefined) break
        expect(failure).toMatchObject({ code: 'unavailable' })
      }
      expect(after).toBe(60)
      expect(store.counted()).toEqual(
        new Map([
          [NEW_A, 30],
          [NEW_B, 30],
        ]),
      )
      expect([...writes.values()].every((count) => count === 1)).toBe(true)
    }
  })

  it('several at once place every process once', async () => {
    let writes = 0
    store.onWrite = () => {
      writes++
    }
    const runs = await Promise.all(Array.from({ length: 5 }, () => bring(new FakePlacementSource(rowsOf(100)))))
    expect(writes).toBe(100)
    expect(runs.map(({ placed, there }) => placed + there)).toEqual([100, 100, 100, 100, 100])
    expect(runs.flatMap(({ conflicts }) => conflicts)).toEqual([])
  })
})

describe('looking through the source', () => {
  const look = async (
    rows: readonly PlacedElsewhere[],
    { map = units, listed = [NEW_A, NEW_B], after = 0, inTime = (): boolean => true } = {},
  ) => {
    const leftOut: LeftOut[] = []
    const plan = { units: map, listed: new Set(listed), after, inTime, onLeftOut: (row: LeftOut) => leftOut.push(row) }
    return { ...(await survey(new FakePlacementSource(rows), plan)), leftOut }
  }

  it('counts what each unit has, and names what is wrong for itself', async () => {
    const bad = { row: 99, process: 'bad', unit: OLD_A }
    expect(await look([...rowsOf(5), bad])).toEqual({
      processes: 6,
      units: new Map([
        [OLD_A, 3],
        [`${OLD_B}/`, 2],
      ]),
      leftOut: [{ row: 99, process: 'bad', reason: 'it is no id of a process' }],
    })
    expect(await look(rowsOf(5), { after: 4 })).toMatchObject({ processes: 1 })
    expect(await look([])).toMatchObject({ processes: 0 })
  })

  it('refuses what has no place to go, all of it at once', async () => {
    const map = new Map([[OLD_A, 'https://unknown.example']])
    const rows = [...rowsOf(3), { row: 4, process: idOf(4), unit: 'nonsense' }]
    await expect(look(rows, { map })).rejects.toMatchObject({
      code: 'invalid-request',
      message:
        "Nothing was brought in: https://unknown.example is not in the router's list of units; " +
        `${OLD_B}/ has one process, and is not in the map; nonsense has one process, and is not in the map.`,
    })
  })

  it('asks for no place for a unit that has no process', async () => {
    const onlyA = rowsOf(9).filter(({ unit }) => unit === OLD_A)
    expect(await look(onlyA, { map: new Map([[OLD_A, NEW_A]]) })).toMatchObject({ processes: 5 })
  })

  it('ends where there is no time for it', async () => {
    await expect(look(rowsOf(30), { inTime: () => false })).rejects.toMatchObject({ code: 'unavailable' })
  })
})

describe('addresses', () => {
  it('are compared as origins', () => {
    for (const address of ['http://Host:80/', 'HTTP://host', 'http://user:secret@host/path?query']) {
      expect(originOf(address)).toBe('http://host')
    }
    for (const nothing of ['', 'host', 'host:80', 'ftp://host', 'https://', 'javascript:alert(1)', '//host']) {
      expect(originOf(nothing)).toBeUndefined()
    }
    expect(destinationOf(units, { row: 1, process: idOf(1), unit: 'HTTP://OLD-A:9001/' })).toEqual({ unit: NEW_A })
  })
})
