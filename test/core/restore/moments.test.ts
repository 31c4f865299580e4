/**
 * Tables that come back from any moments: whatever was given out and anything knows of is never given out again, what goes on is one
 * sound log, and nothing is uploaded that was not given out.
 */
import { describe, expect, it } from 'vitest'
import type { Sink } from '../../../core/ports/relay-store.ts'
import { postItem } from '../../../core/schedule/post.ts'
import { seeds } from '../../effort.ts'
import { mulberry32 } from '../../fakes/virtual-clock.ts'
import { audit } from '../log/audit.ts'
import { codeOf } from '../schedule/scheduling.ts'
import { assignmentOf, type Place, RestoreWorld, type Tables } from './world.ts'

const STEPS = 24

const relays: readonly Sink[][] = [['upload'], ['metadata'], ['upload', 'metadata']]

interface Story {
  world: RestoreWorld
  /** The tables after each step. */
  moments: Tables[]
}

/** Spawns, messages, assignments and relays, as chance will have it. */
async function story(seed: number, random: () => number): Promise<Story> {
  const world = new RestoreWorld(seed)
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T
  // Uploads that do not get through, now and then.
  let working = true
  world.bundler.decide = () => (working || random() < 0.5 ? undefined : { kind: 'trouble', reason: 'away' })
  await world.spawn()
  const moments = [world.tables()]
  for (let step = 0; step < STEPS; step++) {
    const process = pick(world.processes())
    const chance = random()
    if (chance < 0.08) await world.spawn({ assigned: random() < 0.6 })
    else if (chance < 0.4) await world.post(process)
    else if (chance < 0.48) await world.post(process, { bytes: 5_000 })
    else if (chance < 0.58) await world.pushed(process)
    else if (chance < 0.68) await world.assign(process, random() < 0.5)
    else {
      working = random() < 0.7
      await world.relayed(process, pick(relays))
    }
    moments.push(world.tables())
  }
  return { world, moments }
}

/** Ids of all assignments that anybody has who is not the log. */
const published = ({ world }: Story): ReadonlySet<string> => new Set(world.bundler.taken.keys())

/** Nonces of the truth that the log holds otherwise now. */
function givenOutAgain({ world }: Story, place: Place): string[] {
  return world.processes().flatMap((process) => {
    const now = new Map(world.recordsOf(process, place).map((record) => [record.nonce, assignmentOf(record)]))
    return world.recordsOf(process).flatMap((record) => {
      const [was, is] = [assignmentOf(record), now.get(record.nonce)]
      return is !== undefined && is !== was ? [was] : []
    })
  })
}

async function goOn(world: RestoreWorld, place: Place): Promise<void> {
  for (const process of world.processes(place)) {
    for (let n = 0; n < 3; n++) {
      const code = await codeOf(world.post(process, {}, place))
      if (code !== 'taken') expect(['frozen', 'incomplete']).toContain(code)
    }
  }
}

async function expectSound(told: Story, place: Place, known: ReadonlySet<string>): Promise<void> {
  const { world } = told
  const again = new Set(givenOutAgain(told, place))
  expect(
    [...again].filter((id) => known.has(id)),
    'was given out again',
  ).toEqual([])
  for (const [process, head] of place.unit.store.held.heads) {
    if (head.state === 'incomplete') continue
    if (head.firstNonce === 0) expect((await audit(place.unit.store, process)).faults).toEqual([])
    const truth = new Map(world.recordsOf(process).map((record) => [record.nonce, record]))
    const [was, is] = [await world.page(process).catch(() => []), await world.page(process, place)]
    for (const record of world.recordsOf(process, place)) {
      const { nonce, kind, item, id } = record
      const before = truth.get(nonce)
      const bodiless = kind === 'message' && !item
      if (!before || nonce < 0 || bodiless || again.has(assignmentOf(before))) continue
      expect(is[nonce], 'is served as ever').toBe(was[nonce])
      const finding = { process, place: { nonce, assignment: assignmentOf(record), timestamp: record.timestamp } }
      if (kind !== 'process') expect(await place.unit.store.find(id)).toMatchObject([finding])
      expect(await place.unit.store.find(assignmentOf(record))).toMatchObject([finding])
    }
  }
}

/** What comes again is known if it is there, and else it is taken. */
async function expectKnownAgain({ world }: Story, place: Place): Promise<void> {
  for (const { kind, item, id, process } of world.live.unit.store.held.records.values()) {
    const head = place.unit.store.held.heads.get(process)
    if (kind !== 'message' || !item || !('raw' in item) || head?.state !== 'open') continue
    const there = (await place.unit.store.find(id)).length > 0
    await world.passing(postItem(place.unit.scheduler, item.raw, world.deadline()))
    expect(place.unit.store.held.heads.get(process)?.next).toBe(there ? head.next : head.next + 1)
  }
}

/** What the relay may send: from the first record of a process on that is not there whole. */
function unsent({ world }: Story, place: Place, uploaded: ReadonlyMap<string, Buffer>): ReadonlySet<string> {
  return new Set(
    world.processes(place).flatMap((process) => {
      const parts = world
        .recordsOf(process, place)
        .map((record) => [...(record.item ? [record.id] : []), ...(record.assignment ? [assignmentOf(record)] : [])])
      const first = parts.findIndex((ids) => ids.some((id) => !uploaded.has(id)))
      return first < 0 ? [] : parts.slice(first).flat()
    }),
  )
}

/** What the tables say is owed: it may have been taken since their moment, and is attempted once more. */
function owedParts({ world }: Story, place: Place): ReadonlySet<string> {
  const owed = new Set(place.relay.allOwed.map(({ process, nonce }) => `${process}/${nonce}`))
  const records = world.processes(place).flatMap((process) => world.recordsOf(process, place))
  return new Set(
    records
      .filter(({ process, nonce }) => owed.has(`${process}/${nonce}`))
      .flatMap((record) => [record.id, ...(record.assignment ? [assignmentOf(record)] : [])]),
  )
}

describe('tables of any moments', () => {
  it.each(seeds(80, 15))('give nothing out again that is known (seed %i)', async (seed) => {
    const random = mulberry32(seed)
    const told = await story(seed, random)
    const { world, moments } = told
    const moment = () => moments[1 + Math.floor(random() * (moments.length - 1))] ?? world.tables()
    const together = random() < 0.5
    const [heads, records, ids] = together ? Array(3).fill(moment()) : [moment(), moment(), moment()]
    const place = await world.restored({ heads: heads.heads, records: records.records, ids: ids.ids })
    world.bundler.decide = () => undefined
    const truth = new Map(world.live.unit.store.held.records)

    // Nothing is scheduled, and what the relay uploads was given out.
    for (const process of world.processes(place)) {
      expect(await codeOf(world.post(process, {}, place))).toBe('foreign-log')
    }
    if (random() < 0.3) await world.allRelayed(place)
    const given = new Set([...truth.values()].flatMap((record) => [record.id, assignmentOf(record)]))
    expect([...world.bundler.taken.keys()].filter((id) => !given.has(id))).toEqual([])
    const known = new Set([...published(told), ...[...place.unit.store.held.records.values()].map(assignmentOf)])

    const deps = world.deps(place, random() < 0.2 ? { metadata: undefined } : {})
    const first = await world.restore(deps)
    const lacking = first.filter(({ kind }) => kind === 'lacking' || kind === 'broken')
    expect(first.filter(({ kind }) => kind === 'trouble')).toEqual([])
    // What is said to be missing is missing: nobody else had it.
    for (const { process, missing } of lacking) {
      const lost = truth.get(`${process}/${missing?.from}`)
      expect(lost).toBeDefined()
      if (lost?.assignment)
        expect(world.bundler.taken.has(assignmentOf(lost)) && world.bundler.taken.has(lost.id)).toBe(false)
    }
    // Once more there is nothing left to do.
    const second = await world.restore(deps)
    expect(second.filter(({ changed }) => changed)).toEqual([])
    const refusal = await world.takeOver(deps)
    expect(refusal.unready.length > 0).toBe(lacking.length > 0)
    if (lacking.length > 0) {
      expect(await codeOf(world.spawn({}, place))).toBe('foreign-log')
      await world.restore(deps, { accept: 'all' })
      expect(await world.takeOver(deps)).toMatchObject({ unready: [] })
    }

    const before = new Map(world.bundler.taken)
    world.bundler.attempts.length = 0
    await goOn(world, place)
    const sent = new Set([...unsent(told, place, before), ...owedParts(told, place)])
    await world.allRelayed(place)
    expect(
      world.bundler.attempts.filter((id) => !sent.has(id)),
      'was uploaded again',
    ).toEqual([])
    await expectSound(told, place, known)
    // Everything that the log holds is uploaded, and nothing else.
    for (const process of world.processes(place)) {
      if (place.unit.store.held.heads.get(process)?.state !== 'open') continue
      for (const record of world.recordsOf(process, place)) {
        if (record.assignment) expect(world.bundler.taken.has(assignmentOf(record))).toBe(true)
        if (record.item) expect(world.bundler.taken.has(record.id)).toBe(true)
        if (deps.metadata) expect(place.unit.index.rows.get(`${process}/${record.nonce}`)?.id).toBe(record.id)
      }
    }
    await expectKnownAgain(told, place)
  })
})
