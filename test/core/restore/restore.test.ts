/** What restoring a log does: nothing is scheduled before, everything that is known of comes back, and it says what does not. */
import { describe, expect, it } from 'vitest'
import { parseDataItem } from '../../../core/ans104/data-item.ts'
import { hasCode } from '../../../core/errors.ts'
import type { RestoreDeps } from '../../../core/restore/deps.ts'
import { postItem } from '../../../core/schedule/post.ts'
import { FakeIndexedNonces } from '../../fakes/restore-sources.ts'
import { audit } from '../log/audit.ts'
import { Killed, type Life, mortal } from '../placement/move-world.ts'
import { codeOf } from '../schedule/scheduling.ts'
import { assignmentOf, type Place, RestoreWorld, signer } from './world.ts'

/** A process with records of every kind, all of it relayed. */
async function history(world: RestoreWorld, options: { assigned?: boolean } = {}): Promise<string> {
  const process = await world.spawn(options)
  await world.post(process)
  await world.post(process, { bytes: 6_000 })
  await world.pushed(process)
  await world.assign(process)
  await world.assign(process, true)
  await world.allRelayed()
  return process
}

async function scheduleOn(world: RestoreWorld, process: string): Promise<void> {
  await world.post(process)
  await world.post(process, { bytes: 6_000 })
  await world.pushed(process)
  await world.assign(process)
  await world.assign(process, true)
}

const refused = async (world: RestoreWorld, place: Place, process: string) => codeOf(world.post(process, {}, place))

/** The same log again, and everything about it: pages, places, and what goes on. */
async function expectSame(world: RestoreWorld, place: Place, process: string): Promise<void> {
  expect(place.unit.store.held.heads.get(process)).toEqual(world.live.unit.store.held.heads.get(process))
  expect(await world.page(process, place)).toEqual(await world.page(process))
  for (const record of world.recordsOf(process)) {
    const ids = record.kind === 'process' ? [assignmentOf(record)] : [record.id, assignmentOf(record)]
    for (const id of ids.filter((one) => one !== '')) {
      expect(await place.unit.store.find(id)).toEqual(await world.live.unit.store.find(id))
    }
  }
}

describe('a log that came back from a backup', () => {
  it('schedules nothing, and can be read', async () => {
    const world = new RestoreWorld()
    const process = await history(world)
    const backup = world.tables()
    await scheduleOn(world, process)
    const place = await world.restored(backup)
    expect(await refused(world, place, process)).toBe('foreign-log')
    expect(await codeOf(world.spawn({}, place))).toBe('foreign-log')
    expect(await codeOf(world.assign(process, false, place))).toBe('foreign-log')
    expect(await world.page(process, place)).toEqual(await world.page(process, world.live, 5))
  })

  it('schedules nothing either where its heads are lost, or a table of them', async () => {
    const world = new RestoreWorld()
    const process = await history(world)
    const now = world.tables()
    const empty = world.tables(world.place())
    const place = await world.restored({ ...now, heads: empty.heads })
    expect(await codeOf(world.spawn({}, place))).toBe('foreign-log')
    // And everything of it can be brought back from the other tables.
    const deps = world.deps(place)
    expect(await world.restore(deps)).toMatchObject([{ process, kind: 'whole', changed: true, next: 6 }])
    expect(await codeOf(world.spawn({}, place))).toBe('foreign-log')
    expect(await world.takeOver(deps)).toMatchObject({ unready: [], closed: [] })
    await expectSame(world, place, process)
    await world.post(process, {}, place)
  })

  it.each([true, false])('is completed from what was uploaded (assigned: %s)', async (assigned) => {
    const world = new RestoreWorld()
    const process = await history(world, { assigned })
    const backup = world.tables()
    await scheduleOn(world, process)
    const fresh = await history(world, { assigned })
    await scheduleOn(world, fresh)
    await world.allRelayed()
    const place = await world.restored(backup)
    const deps = world.deps(place)

    const before = JSON.stringify([...place.unit.store.held.records.keys()])
    const checked = await world.restore(deps, { write: false })
    const expected = [
      { process, kind: 'whole', added: 5, changed: true, doubts: [] },
      { process: fresh, kind: 'whole', changed: true, doubts: [] },
    ]
    const byProcess = (reports: { process: string }[]) => reports.toSorted((a) => (a.process === process ? -1 : 1))
    expect(byProcess(checked)).toMatchObject(expected)
    expect(JSON.stringify([...place.unit.store.held.records.keys()])).toBe(before)
    expect(await world.takeOver(deps)).toMatchObject({ unready: [{ changed: true }, { changed: true }] })

    expect(byProcess(await world.restore(deps))).toMatchObject(expected)
    expect(await refused(world, place, process)).toBe('foreign-log')
    expect(await world.restore(deps)).toEqual([])
    expect(await world.takeOver(deps)).toMatchObject({ unready: [], closed: [] })
    for (const one of [process, fresh]) {
      await expectSame(world, place, one)
      await world.post(one, {}, place)
      expect((await audit(place.unit.store, one)).faults).toEqual([])
    }
    // What was uploaded is not uploaded again, and what is new is.
    world.bundler.attempts.length = 0
    await world.allRelayed(place)
    expect(world.bundler.attempts).toHaveLength(4)
    expect(await world.restore(deps).catch((error) => hasCode(error, 'invalid-request'))).toBe(true)
  })

  it('refuses again what it had taken, and answers who comes again', async () => {
    const world = new RestoreWorld()
    const process = await history(world)
    const backup = world.tables()
    const tags = [
      { name: 'From-Process', value: process },
      { name: 'Data-Protocol', value: 'ao' },
      { name: 'Type', value: 'Message' },
    ]
    const target = Buffer.from(process, 'base64url')
    const twin = () => signer.sign({ target, tags, data: Buffer.from('twin') })
    const posted = await twin()
    await world.passing(postItem(world.live.unit.scheduler, posted.raw, world.deadline()))
    await world.allRelayed()
    const place = await world.restored(backup)
    const deps = world.deps(place)
    await world.restore(deps)
    await world.takeOver(deps)
    await world.clock.run(world.clock.sleep(3_600_000))
    expect(await codeOf(world.passing(postItem(place.unit.scheduler, posted.raw, world.deadline())))).toBe(
      'already-scheduled',
    )
    expect(await codeOf(world.passing(postItem(place.unit.scheduler, (await twin()).raw, world.deadline())))).toBe(
      'deep-hash-known',
    )
  })

  it('takes bodies from the bucket, and what the metadata and ids know of kinds', async () => {
    const world = new RestoreWorld()
    const process = await history(world)
    const backup = world.tables()
    const large = await world.post(process, { bytes: 6_000 })
    await world.allRelayed()
    world.bundler.taken.delete(large)
    const place = await world.restored(backup)
    const deps = world.deps(place)
    expect(await world.restore(deps)).toMatchObject([{ kind: 'whole', added: 1, presumed: 0, uploadsLeft: 1 }])
    await world.takeOver(deps)
    await expectSame(world, place, process)
    await world.allRelayed(place)
    expect(world.bundler.taken.has(large)).toBe(true)
  })

  it('presumes what only the item tells, and says so', async () => {
    const world = new RestoreWorld()
    const process = await history(world)
    const backup = world.tables()
    await scheduleOn(world, process)
    await world.allRelayed()
    const place = await world.restored(backup)
    const deps = world.deps(place, { metadata: undefined })
    expect(await world.restore(deps)).toMatchObject([{ kind: 'whole', added: 5, presumed: 5 }])
    await world.takeOver(deps)
    expect(await world.page(process, place)).toEqual(await world.page(process))
  })
})

describe('what cannot be proved', () => {
  /** Two messages that nobody has uploaded, and the metadata know of. */
  async function lost(world: RestoreWorld) {
    const process = await history(world)
    const backup = world.tables()
    await world.post(process)
    await world.allRelayed()
    const ids = [await world.post(process), await world.post(process)]
    await world.relayed(process, ['metadata'])
    const place = await world.restored(backup)
    return { process, ids, place, deps: world.deps(place) }
  }

  it('is said, and keeps the log closed', async () => {
    const world = new RestoreWorld()
    const { process, place, deps } = await lost(world)
    for (const write of [false, true]) {
      expect(await world.restore(deps, { write })).toMatchObject([
        {
          process,
          kind: 'lacking',
          next: 7,
          added: 1,
          missing: { from: 7, to: 8, what: 'has no assignment anywhere', knownBy: ['metadata'] },
        },
      ])
    }
    expect(await world.takeOver(deps)).toMatchObject({ unready: [{ process, kind: 'lacking', added: 0, next: 7 }] })
    expect(await refused(world, place, process)).toBe('foreign-log')
  })

  it('is forgotten where that is accepted, everywhere', async () => {
    const world = new RestoreWorld()
    const { process, ids, place, deps } = await lost(world)
    await place.segments.put(process, 0, Buffer.from('packed'))
    const accepted = await world.restore(deps, { accept: new Set([process]) })
    expect(accepted).toMatchObject([{ kind: 'lacking', cut: 7 }])
    expect(await world.takeOver(deps)).toMatchObject({ unready: [], closed: [] })
    for (const id of ids) expect(await place.unit.store.find(id)).toEqual([])
    // What was packed of it, too: it would be served without another look at the log.
    expect(place.segments.rows.size).toBe(0)
    await world.post(process, {}, place)
    await world.allRelayed(place)
    const [, , , , , , , mine] = world.recordsOf(process, place)
    expect(place.unit.index.rows.get(`${process}/7`)?.id).toBe(mine?.id)
    expect(place.unit.index.rows.has(`${process}/8`)).toBe(false)
    expect((await audit(place.unit.store, process)).faults).toEqual([])
  })

  it.each([['heads'], ['ids'], ['heads', 'ids']] as const)('goes back behind newer %s %s', async (...newer) => {
    const world = new RestoreWorld()
    const process = await history(world)
    const tables = world.tables()
    await world.post(process)
    await world.relayed(process, ['metadata'])
    const now = world.tables()
    const place = await world.restored({ ...tables, ...Object.fromEntries(newer.map((name) => [name, now[name]])) })
    const deps = world.deps(place)
    expect(await world.restore(deps)).toMatchObject([{ kind: 'lacking', missing: { from: 6, to: 6 } }])
    await world.restore(deps, { accept: 'all' })
    expect(await world.takeOver(deps)).toMatchObject({ unready: [] })
    const again = await world.post(process, {}, place)
    expect(await place.unit.store.find(again)).toMatchObject([{ place: { nonce: 6 } }])
    await world.relayed(process, ['metadata', 'upload'], place)
    expect(place.unit.index.rows.get(`${process}/6`)?.id).toBe(again)
    expect(world.bundler.taken.has(again)).toBe(true)
  })

  it('never opens a process of which something later was signed', async () => {
    const world = new RestoreWorld()
    const process = await history(world)
    const backup = world.tables()
    const other = await history(world)
    for (let n = 0; n < 3; n++) await world.post(process)
    await world.allRelayed()
    const hole = world.recordsOf(process)[7]
    if (!hole) throw new Error('no record')
    world.bundler.taken.delete(assignmentOf(hole))
    const place = await world.restored(backup)
    const deps = world.deps(place)
    const broken = { process, kind: 'broken', next: 7, missing: { from: 7, to: 8 }, closed: false }
    expect(await world.restore(deps)).toEqual(expect.arrayContaining([expect.objectContaining({ process, next: 7 })]))
    expect(await world.takeOver(deps)).toMatchObject({ unready: [broken] })
    await world.restore(deps, { accept: 'all' })
    expect(await world.takeOver(deps)).toMatchObject({ unready: [], closed: [{ ...broken, closed: true }] })
    expect(await refused(world, place, process)).toBe('frozen')
    await world.post(other, {}, place)
    // What is proved can be read.
    expect(await world.page(process, place)).toEqual(await world.page(process, world.live, 6))
    expect(place.unit.store.held.heads.get(process)).toMatchObject({ next: 7, state: 'frozen' })
  })

  it('holds a message whose body is nowhere closed, or takes its assignment alone', async () => {
    const world = new RestoreWorld()
    const process = await history(world)
    const backup = world.tables()
    const id = await world.post(process)
    await world.post(process)
    await world.allRelayed()
    world.bundler.taken.delete(id)
    const place = await world.restored(backup)
    const deps = world.deps(place)
    expect(await world.restore(deps)).toMatchObject([
      { kind: 'lacking', next: 6, missing: { from: 6, what: expect.stringContaining(`item ${id} is nowhere`) } },
    ])
    expect(await world.takeOver(deps)).toMatchObject({ unready: [{ kind: 'lacking' }] })
    expect(await world.restore(deps, { accept: new Set([process]) })).toMatchObject([
      { kind: 'whole', next: 8, doubts: [{ nonce: 6, what: `stands without its item ${id}` }] },
    ])
    expect(await world.takeOver(deps)).toMatchObject({ unready: [] })
    await world.post(process, {}, place)
    expect((await audit(place.unit.store, process)).faults).toEqual([])
    expect((await world.page(process, place))[6]).toMatch(/^6 null /)
    expect(await place.unit.store.find(id)).toMatchObject([{ kind: 'posted', place: { nonce: 6 } }])
  })

  it('is what a gateway has seen and does not give', async () => {
    const world = new RestoreWorld()
    const process = await history(world)
    const backup = world.tables()
    const id = await world.post(process)
    await world.allRelayed()
    const [finding] = (await world.live.unit.store.find(id)) ?? []
    world.uploads.withheld.add(finding?.place.assignment ?? '')
    const place = await world.restored(backup)
    const deps = world.deps(place, { metadata: undefined })
    expect(await world.restore(deps)).toMatchObject([
      { kind: 'broken', missing: { from: 6, what: expect.stringContaining('bytes') } },
    ])
    world.uploads.withheld.clear()
    expect(await world.restore(deps)).toMatchObject([{ kind: 'whole', added: 1 }])
  })

  it('is what does not verify, or does not fit', async () => {
    const world = new RestoreWorld()
    const process = await history(world)
    const backup = world.tables()
    await world.post(process)
    await world.allRelayed()
    const real = world.recordsOf(process)[6]
    const { tags, anchor } = parseDataItem(real?.assignment ?? Buffer.alloc(0))
    const change = (name: string, value: string) => tags.map((tag) => (tag.name === name ? { name, value } : tag))
    const forged = Buffer.from(real?.assignment ?? '')
    forged[40] = (forged[40] ?? 0) ^ 1
    const wrong = [
      { raw: (await signer.sign({ anchor, tags: change('Hash-Chain', 'A'.repeat(43)) })).raw, kind: 'broken' },
      { raw: forged, kind: 'lacking' },
    ]
    for (const { raw, kind } of wrong) {
      if (real) world.bundler.taken.delete(assignmentOf(real))
      const place = await world.restored(backup)
      const source = { ...world.uploads, name: 'x', async *since() {}, assignments: async () => [{ nonce: 6, raw }] }
      const deps = world.deps(place, { signed: [source] })
      const [report] = await world.restore(deps)
      expect([kind, report?.missing?.from]).toEqual([report?.kind === 'whole' ? 'whole' : kind, 6])
      expect(place.unit.store.held.records.has(`${process}/6`)).toBe(false)
    }
    // The same nonce signed twice, both chained to what was before.
    const place = await world.restored(backup)
    const twin = (await signer.sign({ anchor: Buffer.alloc(32, 1), tags })).raw
    const source = {
      name: 'x',
      async *since() {},
      assignments: async (_: string, nonces: readonly number[]) =>
        nonces.includes(6) ? [twin, real?.assignment ?? twin].map((raw) => ({ nonce: 6, raw })) : [],
    }
    expect(await world.restore(world.deps(place, { signed: [source] }))).toMatchObject([
      { kind: 'broken', missing: { from: 6, what: expect.stringContaining('given out twice') } },
    ])
  })

  it('lets a process be spawned again of which the metadata alone know', async () => {
    const world = new RestoreWorld()
    await history(world)
    const backup = world.tables()
    const process = await world.spawn()
    await world.relayed(process, ['metadata'])
    const place = await world.restored(backup)
    const deps = world.deps(place)
    expect(await world.restore(deps)).toMatchObject([{ process, kind: 'lacking', missing: { from: 0, to: 0 } }])
    expect(await world.takeOver(deps)).toMatchObject({ unready: [{ process }] })
    await world.restore(deps, { accept: 'all' })
    expect(await world.takeOver(deps)).toMatchObject({ unready: [] })
    expect(place.unit.store.held.heads.has(process)).toBe(false)
    expect(place.unit.index.rows.has(`${process}/0`)).toBe(false)
  })

  it('keeps a process from being spawned again whose own item is nowhere', async () => {
    const world = new RestoreWorld()
    await history(world)
    const backup = world.tables()
    const process = await world.spawn()
    await world.allRelayed()
    const item = world.bundler.taken.get(process) ?? Buffer.alloc(0)
    world.bundler.taken.delete(process)
    const place = await world.restored(backup)
    const deps = world.deps(place)
    expect(await world.restore(deps)).toMatchObject([{ process, kind: 'broken', missing: { from: 0 } }])
    await world.restore(deps, { accept: 'all' })
    expect(await world.takeOver(deps)).toMatchObject({ unready: [], closed: [{ process }] })
    expect(await codeOf(world.passing(postItem(place.unit.scheduler, item, world.deadline())))).toBe('incomplete')
  })
})

/** Each call of a port costs a life one call. */
const mortalDeps = (deps: RestoreDeps, life: Life): RestoreDeps => ({
  ...deps,
  identity: mortal(deps.identity, life),
  restore: mortal(deps.restore, life),
  imports: mortal(deps.imports, life),
  relay: mortal(deps.relay, life),
  blobs: mortal(deps.blobs, life),
  signed: deps.signed.map((source) => mortal(source, life)),
  metadata: deps.metadata && mortal(deps.metadata, life),
})

describe('what else may be the matter', () => {
  it('a body that the bucket has lost is put there again, or said to be lost', async () => {
    for (const uploaded of [true, false]) {
      const world = new RestoreWorld()
      const process = await world.spawn()
      const tables = world.tables()
      const id = await world.post(process, { bytes: 6_000, tags: [{ name: 'From-Process', value: process }] })
      await world.allRelayed()
      const now = world.tables()
      const place = await world.restored({ ...now, ids: tables.ids })
      const [, record] = world.recordsOf(process, place)
      if (!record?.item || !('blob' in record.item)) throw new Error('no blob')
      place.unit.blobs.lose(record.item.blob)
      world.bodies.held.clear()
      if (!uploaded) world.bundler.taken.delete(id)
      const deps = world.deps(place)
      const doubts = uploaded ? [] : [{ nonce: 1, what: `has lost the body of its item ${id}` }]
      expect(await world.restore(deps)).toMatchObject([{ process, kind: 'whole', added: 0, changed: true, doubts }])
      expect(await world.takeOver(deps)).toMatchObject({ unready: [] })
      if (uploaded) await expectSame(world, place, process)
      expect(place.unit.store.held.deepHashes.size).toBe(uploaded ? 1 : 0)
      expect(await place.unit.store.find(id)).toHaveLength(1)
    }
  })

  it('a process that was being brought in, or was frozen, stays so', async () => {
    const world = new RestoreWorld()
    const [moving, frozen] = [await history(world), await history(world)]
    const backup = world.tables()
    await scheduleOn(world, frozen)
    await world.allRelayed()
    const place = await world.restored(backup)
    const { heads } = place.unit.store.held
    const head = heads.get(moving)
    if (!head) throw new Error('no head')
    heads.set(moving, { ...head, state: 'incomplete', next: 0 })
    await place.unit.store.setState(frozen, 'open', 'frozen')
    const deps = world.deps(place)
    const reports = await world.restore(deps)
    expect(reports).toHaveLength(2)
    expect(reports).toContainEqual(expect.objectContaining({ process: moving, kind: 'moving', closed: true }))
    expect(reports).toContainEqual(expect.objectContaining({ process: frozen, kind: 'whole', added: 5, next: 11 }))
    expect(await world.takeOver(deps)).toMatchObject({ unready: [], closed: [{ process: moving }] })
    expect(await refused(world, place, moving)).toBe('incomplete')
    expect(await refused(world, place, frozen)).toBe('frozen')
    expect(await world.page(frozen, place)).toEqual(await world.page(frozen))
  })

  it('one process that cannot be looked at keeps the log closed, and not the others from being completed', async () => {
    const world = new RestoreWorld()
    const [sick, well] = [await history(world), await history(world)]
    const backup = world.tables()
    for (const process of [sick, well]) await world.post(process)
    await world.allRelayed()
    const place = await world.restored(backup)
    const deps = world.deps(place)
    world.uploads.faults = {
      before({ name, args }) {
        if (name === 'assignments' && args[0] === sick) throw new Error('away')
      },
    }
    const reports = await world.restore(deps)
    expect(reports).toContainEqual(expect.objectContaining({ process: sick, kind: 'trouble' }))
    expect(reports).toContainEqual(expect.objectContaining({ process: well, kind: 'whole', added: 1 }))
    expect(await world.takeOver(deps)).toMatchObject({ unready: [{ process: sick, kind: 'trouble' }] })
    world.uploads.faults = {}
    await world.restore(deps)
    expect(await world.takeOver(deps)).toMatchObject({ unready: [] })
  })

  it('a source that does not answer is never taken for one that has nothing', async () => {
    const world = new RestoreWorld()
    const process = await history(world)
    const backup = world.tables()
    await world.post(process)
    await world.allRelayed()
    const place = await world.restored(backup)
    const deps = world.deps(place)
    const down = { before: () => Promise.reject(new Error('away')) }
    const away = [
      () => {
        world.uploads.faults = down
      },
      () => {
        if (deps.metadata instanceof FakeIndexedNonces) deps.metadata.faults = down
      },
      () => {
        place.unit.gateway.faults = down
      },
    ]
    for (const fail of away) {
      fail()
      expect(await codeOf(world.restore(deps))).toBe('unavailable')
      expect(await codeOf(world.takeOver(deps))).toBe('unavailable')
      world.uploads.faults = {}
      if (deps.metadata instanceof FakeIndexedNonces) deps.metadata.faults = {}
      place.unit.gateway.faults = {}
    }
    expect(await refused(world, place, process)).toBe('foreign-log')
  })
})

describe('whoever restores may be killed', () => {
  it.each([false, true])('at any step, and does it again (last call happens: %s)', async (lastHappens) => {
    const world = new RestoreWorld()
    const process = await history(world)
    const lossy = await history(world)
    const backup = world.tables()
    await scheduleOn(world, process)
    await scheduleOn(world, lossy)
    const fresh = await world.spawn()
    await world.allRelayed()
    await world.post(lossy)
    await world.relayed(lossy, ['metadata'])
    const uploaded = new Map(world.bundler.taken)
    let survived = false
    for (let calls = 0; !survived; calls += 1 + Math.floor(calls / 10)) {
      const place = await world.restored(backup)
      const deps = world.deps(place)
      const accept = new Set([lossy])
      const work = async (mortals: typeof deps) => {
        await world.restore(mortals, { accept })
        return world.takeOver(mortals)
      }
      survived = await work(mortalDeps(deps, { calls, lastHappens })).then(
        () => true,
        (error) => {
          if (error instanceof Killed) return false
          throw error
        },
      )
      if (place.unit.identity.identity?.tables !== place.unit.identity.tables) {
        expect(await refused(world, place, process)).toBe('foreign-log')
        expect(await work(deps)).toMatchObject({ unready: [] })
      }
      for (const one of [process, fresh]) await expectSame(world, place, one)
      expect(place.unit.store.held.heads.get(lossy)?.next).toBe(11)
      world.bundler.attempts.length = 0
      await world.allRelayed(place)
      expect(world.bundler.attempts).toEqual([])
      expect(world.bundler.taken).toEqual(uploaded)
    }
  })
})

describe('where there are several units', () => {
  it('leaves closed what another unit has by now, and brings in nothing of others', async () => {
    const world = new RestoreWorld()
    const own = await history(world)
    const moved = await history(world)
    const backup = world.tables()
    const others = await history(world)
    await world.post(moved)
    await world.allRelayed()
    for (const [process, unit] of [
      [own, 'https://a.example'],
      [moved, 'https://b.example'],
      [others, 'https://b.example'],
    ] as const) {
      world.placements.overwrite({ process, unit, state: 'settled', refusedBy: [], version: 3, at: 1 })
    }
    const place = await world.restored(backup)
    const deps = world.deps(place, { units: { ownUrl: 'https://a.example', placements: world.placements } })
    expect(await world.takeOver(deps)).toMatchObject({ unready: [{ process: moved, kind: 'elsewhere' }] })
    expect(await world.restore(deps)).toMatchObject([{ process: moved, kind: 'elsewhere', closed: false }])
    expect(await world.takeOver(deps)).toMatchObject({ unready: [] })
    expect(await refused(world, place, moved)).toBe('frozen')
    expect(place.unit.store.held.heads.has(others)).toBe(false)
    await world.post(own, {}, place)
  })
})

describe('the relay of a log that came back', () => {
  it('uploads nothing but what its log holds, and nothing that was not given out', async () => {
    const world = new RestoreWorld()
    const process = await history(world)
    await scheduleOn(world, process)
    const backup = world.tables()
    await scheduleOn(world, process)
    await world.allRelayed()
    const truth = new Map(world.bundler.taken)
    const place = await world.restored(backup)
    world.bundler.attempts.length = 0
    await world.allRelayed(place)
    expect(world.bundler.attempts.length).toBeGreaterThan(0)
    expect([...world.bundler.taken].every(([id, raw]) => truth.get(id)?.equals(raw))).toBe(true)
    // Records that are not there stop it, and nothing is passed over.
    const torn = await world.restored({ ...world.tables(), records: backup.records })
    await world.allRelayed(torn)
    expect([...world.bundler.taken.keys()].toSorted()).toEqual([...truth.keys()].toSorted())
  })
})
