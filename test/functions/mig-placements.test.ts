/** The one-off invocation on a real Rust router's Postgres. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../core/ports/clock.ts'
import { openRustRouter } from '../../db/rust/placement-source.ts'
import { createPlacementsHandler } from '../../functions/mig/placements-handler.ts'
import { createLogger } from '../../functions/telemetry/logger.ts'
import { type RustPostgres, startRustPostgres } from '../db/rust/world.ts'
import { FakePlacementStore } from '../fakes/placement-store.ts'
import { service } from '../services.ts'

const units = { 'http://127.0.0.1:9001/': 'https://a.example', 'http://127.0.0.1:9002': 'https://b.example' }
const onB = ['e-iObRYAe8HqWx0k0PaDy7b4z3vvBUgef3KXnFGue7M', 'UnNVipODGWfbF9Ws5jTqV_kEu432yehn5P79NLnc_Eo']
const idOf = (n: number) => createHash('sha256').update(`process ${n}`).digest('base64url')

let postgres: RustPostgres
let store: FakePlacementStore
/** All that was logged since the test began. */
let log: string
beforeAll(async () => {
  postgres = await startRustPostgres((await service('postgres')).databaseUrl)
}, 60_000)
afterAll(() => postgres.stop())
beforeEach(() => {
  store = new FakePlacementStore()
  log = ''
})

interface Call {
  /** ms */
  remaining?: number
  listed?: readonly string[]
  clock?: Clock
}

/** Calls it once. */
async function invoke(
  event: unknown,
  { remaining = 900_000, listed = Object.values(units), clock = systemClock }: Call = {},
) {
  const handler = createPlacementsHandler({
    store,
    listed: new Set(listed),
    open: (address) => openRustRouter({ address, batchRows: 100 }),
    clock,
    log: createLogger({ level: 'trace' }, { service: 'migPlacements' }, { write: (line) => (log += line) }),
  })
  return await handler(event, { getRemainingTimeInMillis: () => remaining }).then(
    (answer) => ({ answer, failure: undefined }),
    (failure: unknown) => ({ answer: undefined, failure }),
  )
}

describe('bringing in what a Rust router has placed', () => {
  it('places all of it, and finds it there the second time', async () => {
    const from = await postgres.restore()
    const first = await invoke({ placements: { from, units } })
    expect(first.answer).toEqual({
      done: true,
      after: 8,
      dryRun: false,
      processes: 8,
      units: [
        { from: 'http://127.0.0.1:9001', to: 'https://a.example', processes: 4 },
        { from: 'http://127.0.0.1:9002', to: 'https://b.example', processes: 4 },
      ],
      placed: 8,
      there: 0,
      conflicts: [],
      leftOut: [],
    })
    for (const process of onB) {
      expect(store.standing(process)).toMatchObject({ unit: 'https://b.example', state: 'settled' })
    }
    const second = await invoke({ placements: { from, units } })
    expect(second.answer).toMatchObject({ done: true, placed: 0, there: 8, conflicts: [] })
    expect(log).toContain('Placements were brought in.')
    expect(log).not.toContain(from)
  })

  it('brings in later what the old router has placed since', async () => {
    const from = await postgres.restore()
    const { answer } = await invoke({ placements: { from, units } })
    await postgres.query(from, 'insert into process_schedulers (process_id, scheduler_row_id) values ($1, 2)', [
      idOf(9),
    ])
    expect((await invoke({ placements: { from, units, after: answer?.after } })).answer).toMatchObject({
      done: true,
      after: 10,
      processes: 1,
      placed: 1,
    })
  })

  it('looks only, where it is told to', async () => {
    const from = await postgres.restore()
    const { answer } = await invoke({ placements: { from, units, dryRun: true } })
    expect(answer).toMatchObject({ done: true, dryRun: true, placed: 8, there: 0 })
    expect(store.counted().size).toBe(0)
  })

  it('names what stands at another unit, and leaves it there', async () => {
    const [process = ''] = onB
    const elsewhere = {
      process,
      unit: 'https://a.example',
      state: 'settled',
      refusedBy: [],
      version: 5,
      at: 1,
    } as const
    store.overwrite(elsewhere)
    const { answer } = await invoke({ placements: { from: await postgres.restore(), units } })
    expect(answer).toMatchObject({
      done: true,
      placed: 7,
      conflicts: [{ process, stands: 'https://a.example', wanted: 'https://b.example' }],
    })
    expect(store.standing(process)).toEqual(elsewhere)
    expect(log).toContain(process)
  })

  it('writes nothing where map, list and source do not fit, and says why', async () => {
    const from = await postgres.restore()
    const missing = await invoke({ placements: { from, units: { 'http://127.0.0.1:9001': 'https://a.example' } } })
    expect(missing.failure).toMatchObject({
      code: 'invalid-request',
      message: 'Nothing was brought in: http://127.0.0.1:9002 has 4 processes, and is not in the map.',
    })
    const unlisted = await invoke({ placements: { from, units } }, { listed: ['https://a.example'] })
    expect(unlisted.failure).toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining("https://b.example is not in the router's list of units"),
    })
    expect((await invoke({ placements: { from } })).failure).toMatchObject({ message: 'placements.units is missing.' })
    expect(store.counted().size).toBe(0)
  })

  it('takes what is sound of a damaged copy, and names the rest before it writes anything', async () => {
    const from = await postgres.restore()
    await postgres.loosen(from)
    await postgres.query(
      from,
      `update process_schedulers set process_id = 'damaged' where row_id = 1;
       update process_schedulers set process_id = null where row_id = 3;
       update process_schedulers set scheduler_row_id = 77 where row_id = 5;
       insert into process_schedulers (row_id, process_id, scheduler_row_id) values (20, '${onB[0]}', 1)`,
    )
    let before: string | undefined
    store.onWrite = () => {
      before ??= log
    }
    const { answer } = await invoke({ placements: { from, units } })
    expect(answer).toMatchObject({
      done: true,
      after: 20,
      processes: 9,
      placed: 5,
      conflicts: [{ process: onB[0] }],
      leftOut: [
        { row: 1, process: 'damaged', reason: 'it is no id of a process' },
        { row: 3, process: '', reason: 'it is no id of a process' },
        {
          row: 5,
          process: 'dx2QK3zeslnILvlRso2oKsgYYwKrNIN8StKPzlH2PP4',
          reason: 'its unit is not in the table of units',
        },
      ],
    })
    for (const row of [1, 3, 5]) expect(before).toContain(`"row":${row},`)
  })

  it('stops before its time is over, and goes on from there', async () => {
    const from = await postgres.restore()
    const rows = Array.from({ length: 1_000 }, (_, i) => ({
      row: 3 * i + 1,
      process: idOf(i),
      unit: 'http://127.0.0.1:9001',
    }))
    await postgres.replace(from, rows)
    // A batch of a hundred takes seven seconds, and half of the time is for what is under way at its end.
    let time = 0
    store.faults = {
      before({ name }) {
        if (name === 'place') time += 70
      },
    }
    const clock = { ...systemClock, now: () => time }
    let [after, invocations] = [0, 0]
    for (let done = false; !done; invocations++) {
      const { answer } = await invoke({ placements: { from, units, after } }, { remaining: 45_000, clock })
      if (!answer) throw new Error('it failed')
      expect(answer.after).toBeGreaterThan(after)
      expect(answer.done || answer.stopped?.includes('time')).toBe(true)
      ;[after, done] = [answer.after, answer.done]
    }
    expect(invocations).toBeGreaterThan(2)
    expect(after).toBe(3 * 999 + 1)
    expect(store.counted()).toEqual(new Map([['https://a.example', 1_000]]))
  })

  it('says how far it got where the store goes away, and where the source does', async () => {
    const from = await postgres.restore()
    await postgres.replace(
      from,
      Array.from({ length: 250 }, (_, i) => ({ row: i + 1, process: idOf(i), unit: 'http://127.0.0.1:9001' })),
    )
    let [placed, time] = [0, 0]
    const clock: Clock = {
      now: () => time,
      sleep: async (ms) => {
        time += ms
      },
      random: () => 0.5,
    }
    store.faults = {
      before({ name }) {
        if (name === 'place' && ++placed > 150) throw new Error('away')
      },
    }
    const { answer } = await invoke({ placements: { from, units } }, { clock })
    expect(answer).toMatchObject({ done: false, after: 100, placed: 100, stopped: 'The store does not answer.' })
    store.faults = {
      after: async () => {
        if (++placed !== 300) return
        await postgres.admit(from, false)
        await postgres.interrupt()
      },
    }
    const second = await invoke({ placements: { from, units, after: 100 } })
    expect(second.answer).toMatchObject({ done: false, after: 200, stopped: expect.stringContaining('The source') })
    await postgres.admit(from, true)
    expect((await invoke({ placements: { from, units, after: 200 } })).answer).toMatchObject({ done: true, placed: 50 })
    expect(store.counted()).toEqual(new Map([['https://a.example', 250]]))
  })

  it('names no more than an answer holds, and goes on after that', async () => {
    const from = await postgres.restore()
    await postgres.replace(
      from,
      Array.from({ length: 12_000 }, (_, i) => ({ row: i + 1, process: `bad ${i}`, unit: 'http://127.0.0.1:9001' })),
    )
    const { answer } = await invoke({ placements: { from, units } })
    expect(answer).toMatchObject({ done: false, after: 10_000, processes: 12_000 })
    expect(answer?.leftOut).toHaveLength(10_000)
    expect(JSON.stringify(answer).length).toBeLessThan(5_000_000)
    const rest = await invoke({ placements: { from, units, after: 10_000 } })
    expect(rest.answer).toMatchObject({ done: true, leftOut: { length: 2_000 } })
  })
})
