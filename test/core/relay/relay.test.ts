/** One process's relay: what is done, how far, and what an outage does and does not hold up. */
import { beforeEach, describe, expect, it } from 'vitest'
import { listOwed } from '../../../core/relay/owed.ts'
import { createPace } from '../../../core/relay/pace.ts'
import type { SinkReport } from '../../../core/relay/relay.ts'
import { relayProcess } from '../../../core/relay/relay.ts'
import { all, away, RelayWorld, refused } from './world.ts'

const HOUR = 3_600_000

let world: RelayWorld
beforeEach(() => {
  world = new RelayWorld()
})

const relay = (process: string, ms = HOUR, deps = world.deps) =>
  world.clock.run(relayProcess(deps, process, { deadline: world.clock.now() + ms }))

/** How many parts were handed to the bundler more than once, by how often. */
const repeats = () => {
  const times = new Map<string, number>()
  for (const id of world.bundler.attempts) times.set(id, (times.get(id) ?? 0) + 1)
  return times
}

describe('all being well', () => {
  it('uploads item and assignment, as they are, and indexes the record', async () => {
    const process = await world.spawn(200)
    const report = await relay(process)
    expect([...report.sinks]).toEqual([
      ['metadata', { kind: 'done', moved: true }],
      ['upload', { kind: 'done', moved: true }],
    ])
    world.checkFinished()
    expect(world.bundler.attempts.toSorted()).toEqual(world.idsOf(process).toSorted())
    expect(world.idsOf(process)).toHaveLength(402)
    expect(world.cache.taken.size).toBe(402)
    expect(world.index.nonces(process)).toEqual(Array.from({ length: 201 }, (_, n) => n))
    expect(Object.fromEntries(world.counts)).toEqual({ uploads: 402 })
  })

  it('does all of it also where few records come in one answer', async () => {
    world.log.recordsAtOnce = 5
    const process = await world.spawn(200)
    await relay(process)
    world.checkFinished()
    expect(world.bundler.attempts.toSorted()).toEqual(world.idsOf(process).toSorted())
  })

  it('does nothing twice', async () => {
    const process = await world.spawn(3)
    await relay(process)
    await relay(process)
    await world.grow(process, 2)
    await relay(process)
    world.checkFinished()
    expect(world.bundler.attempts).toHaveLength(12)
    expect(world.cache.attempts).toHaveLength(12)
  })

  it('counts a process without an assignment as nonce -1: its item alone', async () => {
    const process = await world.spawn(0, { assigned: false })
    await relay(process)
    expect(world.bundler.attempts).toEqual([process])
    expect(world.store.done(process, 'upload')).toBe(0)
    await world.grow(process, 70)
    await relay(process)
    world.checkFinished()
    expect(world.index.nonces(process)[0]).toBe(-1)
  })

  it('uploads the assignment alone of an assigned transaction', async () => {
    const process = await world.spawn()
    await world.grow(process, 1, { kind: 'transaction' })
    await relay(process)
    world.checkFinished()
    expect(world.bundler.attempts).toHaveLength(3)
    const row = world.index.rows.get(`${process}/1`)
    expect(row).toMatchObject({ kind: 'transaction', tags: [], assignmentId: expect.any(String) })
    expect(row).not.toHaveProperty('owner')
  })

  it('fetches a large item once for both sinks', async () => {
    const process = await world.spawn()
    await world.grow(process, 5, { body: 'blob' })
    let fetched = 0
    world.blobs.faults = { before: () => fetched++ }
    await relay(process)
    world.checkFinished()
    expect(fetched).toBe(5)
    expect(world.index.rows.get(`${process}/3`)).toMatchObject({ tags: [{ name: 'Action', value: 'Test' }] })
  })

  it('holds only so many large items at once', async () => {
    const process = await world.spawn()
    await world.grow(process, 10, { body: 'blob', data: 3_000_000 })
    const marks: unknown[] = []
    world.store.faults = {
      before: ({ name, args }) => name === 'advance' && marks.push(args[1]),
    }
    let [under, most] = [0, 0]
    const upload = async (id: string, raw: Buffer) => {
      under += raw.length
      most = Math.max(most, under)
      await world.clock.sleep(300)
      under -= raw.length
      return world.bundler.upload(id, raw)
    }
    await relay(process, HOUR, { ...world.deps, pace: createPace({ upload }, world.clock) })
    world.checkFinished()
    expect(most).toBeLessThan(15_000_000)
    // One write for both sinks.
    expect(marks).toEqual([{ metadata: { from: undefined, to: 11 }, upload: { from: undefined, to: 11 } }])
  })

  it('describes what it can of bytes that are no data item, and uploads them all the same', async () => {
    const process = await world.spawn(1)
    const [, record] = world.recordsOf(process)
    const head = await world.log.head(process)
    if (!record || !head) throw new Error('no record')
    world.log.restore(head, [{ ...record, item: { id: record.id, raw: Buffer.from('nonsense') } }])
    await relay(process)
    expect(world.index.rows.get(`${process}/1`)).toMatchObject({ id: record.id, unreadable: true, bytes: 8, tags: [] })
    expect(world.bundler.taken.get(record.id)?.toString()).toBe('nonsense')
    expect(world.store.done(process, 'upload')).toBe(2)
  })

  it('has nothing to do for a process that is not there', async () => {
    const report = await relay('nobody')
    expect([...report.sinks.values()]).toMatchObject([{ kind: 'done' }, { kind: 'done' }])
  })
})

describe('the bundler', () => {
  it('being away for long loses nothing, and is asked little', async () => {
    const process = await world.spawn(150)
    world.bundler.decide = () => away
    for (let run = 0; run < 20; run++) {
      const report = await relay(process)
      expect(report.sinks.get('upload')).toMatchObject({ kind: 'behind', late: false, reason: away.reason })
      expect(report.sinks.get('metadata')).toMatchObject({ kind: 'done' })
    }
    // Each run is an instance of its own here, which finds the outage out with a few requests.
    expect(world.bundler.attempts.length).toBeLessThanOrEqual(20 * 8)
    expect(world.store.done(process, 'upload')).toBeUndefined()
    expect(world.store.allOwed).toEqual([])
    expect((await world.store.progress(process))?.trouble.upload).toMatchObject({ nonce: 0, reason: away.reason })
    world.heal()
    world.bundler.attempts.length = 0
    await relay(process)
    world.checkFinished()
    expect(world.bundler.attempts).toHaveLength(302)
    expect((await world.store.progress(process))?.trouble).toEqual({})
  })

  it('being away for a moment is waited for', async () => {
    const process = await world.spawn(3)
    const back = world.clock.now() + 1000
    world.bundler.decide = () => (world.clock.now() < back ? away : undefined)
    expect((await relay(process)).sinks.get('upload')).toMatchObject({ kind: 'done' })
    world.checkFinished()
  })

  it('being away is not slept over for longer than two seconds', async () => {
    const process = await world.spawn(30)
    world.bundler.decide = () => away
    const begun = world.clock.now()
    await relay(process)
    expect(world.clock.now() - begun).toBeLessThanOrEqual(2_000)
  })

  it('is asked no sooner than it says, by no process', async () => {
    const [one, other] = [await world.spawn(), await world.spawn()]
    const { deps } = world
    world.bundler.decide = () => ({ ...away, kind: 'trouble', retryAfterMs: 60_000 })
    const begun = world.clock.now()
    expect((await relay(one, HOUR, deps)).sinks.get('upload')).toMatchObject({ kind: 'behind', late: false })
    const attempts = world.bundler.attempts.length
    expect((await relay(other, HOUR, deps)).sinks.get('upload')).toMatchObject({ kind: 'behind', late: false })
    expect(world.clock.now() - begun).toBeLessThan(1000)
    expect(world.bundler.attempts).toHaveLength(attempts)
    world.heal()
    await world.clock.run(world.clock.sleep(60_000))
    await relay(one, HOUR, deps)
    await relay(other, HOUR, deps)
    world.checkFinished()
  })

  it('refusing an item for good makes it a dead letter, with its reason, and goes on', async () => {
    const process = await world.spawn(20)
    const bad = world.recordsOf(process)[7]?.id ?? ''
    world.bundler.decide = (id) => (id === bad ? refused : undefined)
    await relay(process)
    world.checkFinished()
    const [letter, ...others] = await all(listOwed(world.store))
    expect(letter).toMatchObject({ process, sink: 'upload', nonce: 7, part: 'item', id: bad, reason: 'status 400: no' })
    expect(letter?.since).toBeGreaterThanOrEqual(1_700_000_000_000)
    expect(letter).not.toHaveProperty('next')
    expect(others).toEqual([])
    expect(repeats().get(bad)).toBe(3)
    expect(world.bundler.taken.size).toBe(41)
    expect(world.counts.get('uploads_refused')).toBe(1)
    expect(world.warnings).toMatchObject([{ id: bad, reason: 'status 400: no' }])
  })

  it('refusing now and then is believed only when it refuses several times', async () => {
    const process = await world.spawn()
    let asked = 0
    world.bundler.decide = (id) => (id === process && ++asked <= 2 ? refused : undefined)
    await relay(process)
    world.checkFinished()
    expect(world.bundler.taken.has(process)).toBe(true)
    expect(world.counts.get('uploads_refused')).toBeUndefined()
  })

  it.each([
    'status 402: no credit for items above 100 KiB',
    'status 413: too large',
    'status 409: duplicate',
    'status 403: content refused',
  ])('%s for one item: it is owed, and everything before and behind it is taken once', async (reason) => {
    const process = await world.spawn(100)
    const bad = world.recordsOf(process)[5]?.id ?? ''
    world.bundler.decide = (id) => (id === bad ? { kind: 'trouble', reason } : undefined)
    expect((await relay(process)).sinks.get('upload')).toMatchObject({ kind: 'done' })
    expect(world.store.done(process, 'upload')).toBe(101)
    world.checkWatermarks()
    expect(world.bundler.taken.size).toBe(201)
    const { [bad]: tries, ...others } = Object.fromEntries(repeats())
    expect(tries).toBe(3)
    expect(Math.max(...Object.values(others))).toBe(1)
    expect(world.store.allOwed).toMatchObject([{ nonce: 5, part: 'item', id: bad, reason, tries: 3 }])
    expect(world.store.allOwed[0]?.next).toBeGreaterThan(world.clock.now())
    expect(world.store.markerOf(process)?.at).toBe(world.store.allOwed[0]?.next)
    expect(world.counts.get('parts_owed')).toBe(1)
  })

  it('in trouble with the only record there is keeps it waiting, until something else is taken', async () => {
    const process = await world.spawn()
    const { deps } = world
    const ids = new Set(world.idsOf(process))
    world.bundler.decide = (id) => (ids.has(id) ? { kind: 'trouble', reason: 'status 413' } : undefined)
    expect((await relay(process, HOUR, deps)).sinks.get('upload')).toMatchObject({ kind: 'behind', late: false })
    expect(world.store.allOwed).toEqual([])
    await world.grow(process, 1)
    expect((await relay(process, HOUR, deps)).sinks.get('upload')).toMatchObject({ kind: 'done' })
    expect(world.store.allOwed.map(({ nonce, part }) => [nonce, part]).toSorted()).toEqual([
      [0, 'assignment'],
      [0, 'item'],
    ])
  })

  it('saying the same of every item for ten minutes: each of them is owed, where that is an answer at all', async () => {
    for (const [trouble, owed] of [
      [{ kind: 'trouble', reason: 'status 413' }, 2],
      [away, 0],
    ] as const) {
      world = new RelayWorld()
      const process = await world.spawn()
      world.bundler.decide = () => trouble
      await relay(process)
      await world.clock.run(world.clock.sleep(600_000))
      await relay(process)
      expect(world.store.allOwed).toHaveLength(owed)
    }
  })

  it('is left alone when a dead letter cannot be kept, and nothing is forgotten', async () => {
    const process = await world.spawn(2)
    world.bundler.decide = (id) => (id === process ? refused : undefined)
    world.store.faults = {
      before: ({ name }) => {
        if (name === 'owe') throw new Error('down')
      },
    }
    expect((await relay(process)).sinks.get('upload')).toMatchObject({ kind: 'behind', late: false })
    expect(world.store.done(process, 'upload')).toBeUndefined()
    world.store.faults = {}
    await relay(process)
    world.checkFinished()
  })

  it('taking 300 ms for each part gets more than 200 records a second of one process', async () => {
    const process = await world.spawn(3000)
    const upload = async (id: string, raw: Buffer) => {
      await world.clock.sleep(300 * (0.5 + world.clock.random()))
      return world.bundler.upload(id, raw)
    }
    const begun = world.clock.now()
    await relay(process, HOUR, { ...world.deps, pace: createPace({ upload }, world.clock) })
    world.checkFinished()
    expect(3001 / ((world.clock.now() - begun) / 1000)).toBeGreaterThan(200)
  }, 60_000)
})

describe('a record that cannot be read', () => {
  it.each(['lost', 'altered'] as const)(
    '%s: it is owed in each sink, its assignment and all others are done',
    async (how) => {
      world.sinks = ['metadata', 'upload', 'segments']
      const process = await world.spawn(40)
      await world.grow(process, 1, { body: 'blob' })
      await world.grow(process, 300)
      const item = world.recordsOf(process)[41]?.item
      if (!item || !('blob' in item)) throw new Error('no blob')
      if (how === 'lost') world.blobs.lose(item.blob)
      else world.blobs.spoil(item.blob)
      const report = await relay(process)
      for (const sink of world.sinks) expect(report.sinks.get(sink)).toMatchObject({ kind: 'done' })
      world.checkWatermarks()
      expect(world.bundler.taken.size).toBe(2 * 342 - 1)
      expect(world.index.rows.size).toBe(341)
      expect(world.store.allOwed.map(({ sink, nonce, part }) => [sink, nonce, part]).toSorted()).toEqual([
        ['metadata', 41, 'record'],
        ['segments', 0, 'block'],
        ['upload', 41, 'item'],
      ])
    },
  )

  it('in the log itself is owed too, as long as its neighbours can be read', async () => {
    const process = await world.spawn(100)
    const answer = world.log.records.bind(world.log)
    const records = {
      ...world.deps.records,
      records: async (of: string, from: number, to: number) => {
        if (from <= 70 && to >= 70) throw new Error('a row that cannot be parsed')
        return answer(of, from, to)
      },
    }
    const report = await relay(process, HOUR, { ...world.deps, records })
    for (const sink of world.sinks) expect(report.sinks.get(sink)).toMatchObject({ kind: 'done' })
    world.checkWatermarks()
    expect(world.store.allOwed.map(({ sink, nonce, part }) => [sink, nonce, part]).toSorted()).toEqual([
      ['metadata', 70, 'record'],
      ['upload', 70, 'record'],
    ])
  })
})

describe('the cache', () => {
  it('need not be there', async () => {
    const process = await world.spawn(2)
    const deps = { ...world.deps, cache: undefined }
    await world.clock.run(relayProcess(deps, process, { deadline: world.clock.now() + HOUR }))
    world.checkFinished()
    expect(Object.fromEntries(world.counts)).toEqual({ uploads: 6 })
  })

  it('being away, slow or broken holds nothing up', async () => {
    for (const offer of [
      () => Promise.resolve(false),
      () => Promise.reject(new Error('broken')),
      () => new Promise<boolean>(() => {}),
    ]) {
      const process = await world.spawn(200)
      const begun = world.clock.now()
      const deps = { ...world.deps, cache: { offer } }
      await world.clock.run(relayProcess(deps, process, { deadline: begun + HOUR }))
      expect(world.clock.now() - begun).toBeLessThanOrEqual(50)
      world.checkFinished()
    }
    // The hanging one is asked 256 times, and then not any more.
    expect(world.counts.get('cache_failures')).toBe(402 + 402 + (402 - 256))
  })
})

describe('an outage of one sink', () => {
  it('of Postgres never holds up uploads', async () => {
    const process = await world.spawn(100)
    world.index.faults = {
      before: () => {
        throw new Error('no database')
      },
    }
    const report = await relay(process)
    expect(report.sinks.get('upload')).toMatchObject({ kind: 'done' })
    expect(report.sinks.get('metadata')).toMatchObject({ kind: 'behind', reason: 'no database', moved: false })
    expect(world.counts.get('relay_failures')).toBe(1)
    world.checkFinished(['upload'])
    world.heal()
    await relay(process)
    world.checkFinished()
    expect(world.bundler.attempts).toHaveLength(202)
  })

  it('of the blob store or the log is behind both, and then neither', async () => {
    const process = await world.spawn()
    await world.grow(process, 3, { body: 'blob' })
    const broken = {
      before: () => {
        throw new Error('down')
      },
    }
    for (const part of ['blobs', 'log'] as const) {
      world[part].faults = broken
      const report = await relay(process)
      const behind: Partial<SinkReport> = { kind: 'behind', late: false }
      expect([...report.sinks.values()]).toMatchObject([behind, behind])
      world.heal()
    }
    await relay(process)
    world.checkFinished()
  })

  it('that this relay does not do is no concern of it', async () => {
    const process = await world.spawn(2)
    const deps = { ...world.deps, sinks: ['upload'] as const }
    const report = await world.clock.run(relayProcess(deps, process, { deadline: world.clock.now() + HOUR }))
    expect([...report.sinks.keys()]).toEqual(['upload'])
    expect(world.index.rows.size).toBe(0)
    world.checkFinished(['upload'])
  })
})

describe('a deadline', () => {
  it('ends the run with what is done kept', async () => {
    const process = await world.spawn(300)
    const slow = async (id: string, raw: Buffer) => {
      await world.clock.sleep(1000)
      return world.bundler.upload(id, raw)
    }
    const deps = { ...world.deps, pace: createPace({ upload: slow }, world.clock) }
    for (let runs = 1; ; runs++) {
      const begun = world.clock.now()
      const report = await world.clock.run(relayProcess(deps, process, { deadline: begun + 2000 }))
      expect(world.clock.now() - begun).toBeLessThanOrEqual(3050)
      world.checkWatermarks()
      const upload = report.sinks.get('upload')
      if (upload?.kind === 'done') {
        expect(runs).toBeGreaterThan(2)
        break
      }
      expect(upload).toMatchObject({ late: true, moved: true })
    }
    world.checkFinished()
    expect(world.bundler.attempts).toHaveLength(602)
    expect(world.counts.get('relay_failures')).toBeUndefined()
  })

  it('that has passed has it begin nothing', async () => {
    const process = await world.spawn()
    const report = await relay(process, 0)
    expect([...report.sinks.values()]).toMatchObject([
      { late: true, moved: false },
      { late: true, moved: false },
    ])
    expect(world.bundler.attempts).toEqual([])
  })
})

describe('several relays at once', () => {
  it('finish the same process together', async () => {
    const process = await world.spawn(300)
    const slow = async (id: string, raw: Buffer) => {
      await world.clock.sleep(world.clock.random() * 100)
      return world.bundler.upload(id, raw)
    }
    world.store.faults = { after: () => world.checkWatermarks() }
    const deps = { ...world.deps, pace: createPace({ upload: slow }, world.clock) }
    const reports = await world.clock.run(
      Promise.all(
        Array.from({ length: 3 }, async (_, n) => {
          await world.clock.sleep(n * 70)
          return relayProcess(deps, process, { deadline: world.clock.now() + HOUR })
        }),
      ),
    )
    for (const { sinks } of reports) expect([...sinks.values()]).toMatchObject([{ kind: 'done' }, { kind: 'done' }])
    world.checkFinished()
  })

  it('go on from where another one stands, behind or ahead, which may be gone by then', async () => {
    for (const mark of [5, 100]) {
      const process = await world.spawn(150)
      if (mark > 64) await relayUpTo(process, mark)
      let met = false
      world.store.faults = {
        before: async ({ name }) => {
          if (met || name !== 'advance') return
          met = true
          await world.store.advance(process, { upload: { from: undefined, to: mark } })
        },
      }
      const report = await relay(process)
      expect([...report.sinks.values()]).toMatchObject([{ kind: 'done' }, { kind: 'done' }])
      world.heal()
      world.checkFinished()
    }
  })
})

/** Has the bundler take the beginning of a process, and leaves no trace of it. */
async function relayUpTo(process: string, nonce: number): Promise<void> {
  for (const part of world.parts.values()) {
    if (part.process === process && part.nonce < nonce) await world.bundler.upload(part.id, part.raw)
  }
}
