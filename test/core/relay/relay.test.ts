/** One process's relay: what is done, how far, and what an outage does and does not hold up. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { EffectReport } from '../../../core/relay/relay.ts'
import { relayProcess } from '../../../core/relay/relay.ts'
import { all, away, RelayWorld, refused } from './world.ts'

const HOUR = 3_600_000

let world: RelayWorld
beforeEach(() => {
  world = new RelayWorld()
})

const relay = (process: string, ms = HOUR, more: { impatient?: boolean } = {}) =>
  world.clock.run(relayProcess(world.deps, process, { deadline: world.clock.now() + ms, ...more }))

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
    expect([...report.effects]).toEqual([
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

  it('fetches a large item once for both effects', async () => {
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
      before: ({ name, args }) => name === 'advance' && args[1] === 'upload' && marks.push(args[3]),
    }
    await relay(process)
    world.checkFinished()
    expect(marks).toEqual([3, 5, 7, 9, 11])
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
    expect([...report.effects.values()]).toMatchObject([{ kind: 'done' }, { kind: 'done' }])
  })
})

describe('the bundler', () => {
  it('being away for long loses nothing, and nothing behind the first record is sent in vain', async () => {
    const process = await world.spawn(150)
    world.bundler.decide = () => away
    for (let run = 0; run < 20; run++) {
      const report = await relay(process)
      expect(report.effects.get('upload')).toMatchObject({ kind: 'behind', late: false, reason: away.reason })
      expect(report.effects.get('metadata')).toMatchObject({ kind: 'done' })
    }
    expect(new Set(world.bundler.attempts).size).toBe(2)
    expect(world.store.done(process, 'upload')).toBeUndefined()
    world.heal()
    world.bundler.attempts.length = 0
    await relay(process)
    world.checkFinished()
    expect(world.bundler.attempts).toHaveLength(302)
  })

  it('being away for a moment is waited for', async () => {
    const process = await world.spawn(3)
    const back = world.clock.now() + 1000
    world.bundler.decide = () => (world.clock.now() < back ? away : undefined)
    expect((await relay(process)).effects.get('upload')).toMatchObject({ kind: 'done' })
    world.checkFinished()
  })

  it('is asked once only where patience will not help', async () => {
    const process = await world.spawn(3)
    world.bundler.decide = () => away
    await relay(process, HOUR, { impatient: true })
    expect(world.bundler.attempts).toHaveLength(2)
  })

  it('is asked no sooner than it says', async () => {
    const process = await world.spawn()
    const at: number[] = []
    world.bundler.decide = () => {
      at.push(world.clock.now())
      return at.length <= 2 ? { ...away, kind: 'trouble', retryAfterMs: 7000 } : undefined
    }
    await relay(process)
    expect(Math.min(...at.slice(2)) - Math.max(...at.slice(0, 2))).toBeGreaterThanOrEqual(7000)
    world.checkFinished()
    await world.grow(process, 1)
    world.bundler.decide = () => ({ ...away, kind: 'trouble', retryAfterMs: HOUR })
    const begun = world.clock.now()
    expect((await relay(process, 60_000)).effects.get('upload')).toMatchObject({ kind: 'behind', late: false })
    expect(world.clock.now() - begun).toBeLessThan(1000)
  })

  it('refusing an item for good has it set aside, with its reason, and goes on', async () => {
    const process = await world.spawn(20)
    const bad = world.recordsOf(process)[7]?.id ?? ''
    world.bundler.decide = (id) => (id === bad ? refused : undefined)
    await relay(process)
    world.checkFinished()
    const [item, ...others] = await all(world.store.listSetAside())
    expect(item).toMatchObject({ process, nonce: 7, part: 'item', id: bad, reason: 'status 400: no' })
    expect(item?.at).toBeGreaterThan(1_700_000_000_000)
    expect(others).toEqual([])
    expect(repeats().get(bad)).toBe(3)
    expect(world.bundler.taken.size).toBe(41)
    expect(world.counts.get('uploads_set_aside')).toBe(1)
    expect(world.warnings).toMatchObject([{ id: bad, reason: 'status 400: no' }])
  })

  it('refusing now and then is believed only when it refuses several times', async () => {
    const process = await world.spawn()
    let asked = 0
    world.bundler.decide = (id) => (id === process && ++asked <= 2 ? refused : undefined)
    await relay(process)
    world.checkFinished()
    expect(world.bundler.taken.has(process)).toBe(true)
    expect(world.counts.get('uploads_set_aside')).toBeUndefined()
  })

  it('that refuses now and then is not in trouble for it: only its troubles count', async () => {
    const process = await world.spawn()
    const outcomes = [refused, refused, away, away, away]
    const asked: unknown[] = []
    world.bundler.decide = (id) => {
      if (id !== process) return undefined
      asked.push(id)
      return outcomes[asked.length - 1]
    }
    await relay(process)
    world.checkFinished()
    expect(asked).toHaveLength(6)
  })

  it('in trouble with one item holds that one dear, and sends the others at most twice', async () => {
    const process = await world.spawn(100)
    const bad = world.recordsOf(process)[30]?.id ?? ''
    world.bundler.decide = (id) => (id === bad ? away : undefined)
    for (let run = 0; run < 10; run++) {
      await relay(process)
      await world.grow(process, 1)
    }
    expect(world.store.done(process, 'upload')).toBe(30)
    world.heal()
    await relay(process)
    world.checkFinished()
    const others = [...repeats()].filter(([id]) => world.parts.get(`${process}/30/item`)?.id !== id)
    const beyond = others.filter(([id]) => world.parts.get(`${process}/30/assignment`)?.id !== id)
    expect(Math.max(...beyond.map(([, times]) => times))).toBeLessThanOrEqual(2)
  })

  it('is left alone when a set-aside cannot be noted, and nothing is forgotten', async () => {
    const process = await world.spawn(2)
    world.bundler.decide = (id) => (id === process ? refused : undefined)
    world.store.faults = {
      before: ({ name }) => {
        if (name === 'setAside') throw new Error('down')
      },
    }
    expect((await relay(process)).effects.get('upload')).toMatchObject({ kind: 'behind', late: false })
    expect(world.store.done(process, 'upload')).toBeUndefined()
    world.store.faults = {}
    await relay(process)
    world.checkFinished()
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
      expect(world.clock.now() - begun).toBeLessThanOrEqual(500)
      world.checkFinished()
    }
    // The hanging one is asked 64 times, and then not any more.
    expect(world.counts.get('cache_failures')).toBe(402 + 402 + (402 - 64))
  })
})

describe('an outage of one effect', () => {
  it('of Postgres never holds up uploads', async () => {
    const process = await world.spawn(100)
    world.index.faults = {
      before: () => {
        throw new Error('no database')
      },
    }
    const report = await relay(process)
    expect(report.effects.get('upload')).toMatchObject({ kind: 'done' })
    expect(report.effects.get('metadata')).toMatchObject({ kind: 'behind', reason: 'no database', moved: false })
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
      const behind: Partial<EffectReport> = { kind: 'behind', late: false }
      expect([...report.effects.values()]).toMatchObject([behind, behind])
      world.heal()
    }
    await relay(process)
    world.checkFinished()
  })

  it('that this relay does not do is no concern of it', async () => {
    const process = await world.spawn(2)
    const deps = { ...world.deps, effects: ['upload'] as const }
    const report = await world.clock.run(relayProcess(deps, process, { deadline: world.clock.now() + HOUR }))
    expect([...report.effects.keys()]).toEqual(['upload'])
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
    const deps = { ...world.deps, bundler: { upload: slow } }
    for (let runs = 1; ; runs++) {
      const begun = world.clock.now()
      const report = await world.clock.run(relayProcess(deps, process, { deadline: begun + 7000 }))
      expect(world.clock.now() - begun).toBeLessThanOrEqual(8000)
      world.checkWatermarks()
      const upload = report.effects.get('upload')
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
    expect([...report.effects.values()]).toMatchObject([
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
    const deps = { ...world.deps, bundler: { upload: slow } }
    const reports = await world.clock.run(
      Promise.all(
        Array.from({ length: 3 }, async (_, n) => {
          await world.clock.sleep(n * 70)
          return relayProcess(deps, process, { deadline: world.clock.now() + HOUR })
        }),
      ),
    )
    for (const { effects } of reports) expect([...effects.values()]).toMatchObject([{ kind: 'done' }, { kind: 'done' }])
    world.checkFinished()
  })

  it('go on from where another one stands, behind or ahead, which may be gone by then', async () => {
    for (const mark of [5, 100]) {
      const process = await world.spawn(150)
      if (mark > 64) await relayUpTo(process, mark)
      let met = false
      world.store.faults = {
        before: async ({ name, args }) => {
          if (met || name !== 'advance' || args[1] !== 'upload') return
          met = true
          await world.store.advance(process, 'upload', undefined, mark)
        },
      }
      const report = await relay(process)
      expect([...report.effects.values()]).toMatchObject([{ kind: 'done' }, { kind: 'done' }])
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
