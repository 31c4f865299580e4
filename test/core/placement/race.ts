/**
 * One process spawned by many, at several routers, whose units take it, refuse it and fall silent, over a network that loses requests
 * and answers; in virtual time, the same way twice. What is found wrong is said in words.
 */
import { SchedulerError } from '../../../core/errors.ts'
import { createOwnPlacement } from '../../../core/placement/claim.ts'
import { Placements } from '../../../core/placement/placements.ts'
import type { OwnPlacement } from '../../../core/ports/own-placement.ts'
import type { Placement, PlacementStore } from '../../../core/ports/placement-store.ts'
import type { VirtualClock } from '../../fakes/virtual-clock.ts'
import { idOf, openUnits, owner } from './units.ts'

export interface Race {
  clock: VirtualClock
  /** Stores as routers and units in several places see them: each takes the next one. */
  stores: readonly PlacementStore[]
  /** What stands in the end. */
  standing: (process: string) => Placement | undefined
  /** Share of the store's calls that are lost on their way there, and as many on their way back. */
  faults: number
  /** Share of spawns that a unit refuses. */
  refusals: number
}

export interface Outcome {
  wrong: string[]
  /** Spawns that a unit took. */
  taken: number
  /** Spawns that a unit refused. */
  refused: number
}

/** An answer that names a unit, and the time of its question. */
interface Answer {
  what: string
  asked: number
  told: number
  unit: string | undefined
}

const UNITS = 3
const ROUTERS = 4
const CLIENTS = 12

export async function race({ clock, stores, standing, faults, refusals }: Race): Promise<Outcome> {
  const process = idOf('raced for')
  const units = openUnits(UNITS)
  const storeOf = (i: number) => unreliable(pick(stores, i), clock, faults)
  // A list is being changed, each router has another one: by themselves they would not all choose the same unit.
  const routers = Array.from({ length: ROUTERS }, (_, i) => {
    const listed = [pick(units, i), pick(units, i + 1)]
    return new Placements({ store: storeOf(i), units: listed, clock })
  })
  // Two instances of each unit.
  const instances = units.map(({ url }, i) =>
    [0, 1].map(() => createOwnPlacement({ store: storeOf(i), ownUrl: url, clock })),
  )
  const wrong: string[] = []
  const answers: Answer[] = []
  const claims: { unit: string; at: number }[] = []
  let refused = 0

  /** Undefined where there was no answer. */
  const ask = async <T>(question: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await question()
    } catch (error) {
      if (!(error instanceof SchedulerError)) throw error
      if (error.code !== 'unavailable' && error.code !== 'invalid-message') wrong.push(`failed with ${error.code}`)
      return undefined
    }
  }

  const someRouter = () => pick(routers, Math.floor(clock.random() * ROUTERS))

  const spawnAt = async (url: string): Promise<boolean> => {
    const at = units.findIndex((unit) => unit.url === url)
    const unit: OwnPlacement = pick(pick(instances, at), Math.floor(clock.random() * 2))
    if (clock.random() < refusals) {
      refused++
      await unit.refuse(process)
      return false
    }
    const taken = await ask(async () => {
      await unit.claim(process)
      return true
    })
    if (taken) claims.push({ unit: url, at: clock.now() })
    return taken ?? false
  }

  const client = async (n: number) => {
    await clock.sleep(500 * clock.random())
    for (let tries = 0; tries < 6; tries++) {
      const asked = clock.now()
      // Some post where they please, which must not matter.
      const stray = n % 6 === 5
      const url = stray ? pick(units, tries % UNITS).url : await ask(() => someRouter().place(process, owner))
      if (url !== undefined) {
        if (!stray) answers.push({ what: 'placed', asked, told: clock.now(), unit: url })
        await clock.sleep(20 * clock.random())
        if (await spawnAt(url)) return
      }
      await clock.sleep(200 * clock.random())
    }
  }

  const reader = async () => {
    for (let i = 0; i < 10; i++) {
      await clock.sleep(300 * clock.random())
      const asked = clock.now()
      const found = await ask(async () => ({ unit: await someRouter().unitOf(process) }))
      if (found) answers.push({ what: 'found', asked, told: clock.now(), unit: found.unit })
    }
  }

  await clock.run(Promise.all([...Array.from({ length: CLIENTS }, (_, n) => client(n)), reader(), reader()]))
  // What is on its way to other regions arrives.
  await clock.run(clock.sleep(20_000))
  for (const store of stores) {
    const unit = await clock.run(new Placements({ store, units, clock }).unitOf(process))
    answers.push({ what: 'found in the end', asked: clock.now(), told: clock.now(), unit })
  }

  const takers = new Set(claims.map(({ unit }) => unit))
  if (takers.size > 1) wrong.push(`taken by ${takers.size} units`)
  const firstClaim = Math.min(...claims.map(({ at }) => at))
  const [taker] = takers
  for (const { what, asked, unit } of answers) {
    if (asked > firstClaim && unit !== taker) wrong.push(`${what} at ${unit} after ${taker} took it`)
  }
  const firstPlaced = Math.min(...answers.filter(({ what }) => what === 'placed').map(({ told }) => told))
  if (answers.some(({ asked, unit }) => asked > firstPlaced && unit === undefined)) {
    wrong.push('found nowhere after it was placed')
  }
  if (refusals === 0) {
    // Nothing has it placed anew: there is one answer.
    const told = new Set(answers.flatMap(({ unit }) => unit ?? []))
    if (told.size > 1) wrong.push(`${told.size} answers`)
  }
  const last = standing(process)
  if (claims.length > 0 && (last?.state !== 'settled' || last.unit !== taker))
    wrong.push('not settled where it was taken')
  return { wrong, taken: claims.length, refused }
}

function pick<T>(items: readonly T[], i: number): T {
  const item = items[i % items.length]
  if (item === undefined) throw new Error('nothing to pick from')
  return item
}

function unreliable(store: PlacementStore, clock: VirtualClock, faults: number): PlacementStore {
  const lose = (what: string) => {
    if (clock.random() < faults) throw new SchedulerError('unavailable', `the ${what} is lost`)
  }
  const sent = async <T>(call: () => Promise<T>): Promise<T> => {
    await clock.sleep(10 * clock.random())
    lose('request')
    const answer = await call()
    await clock.sleep(10 * clock.random())
    lose('answer')
    return answer
  }
  return {
    read: (process) => sent(() => store.read(process)),
    glance: (process) => sent(() => store.glance(process)),
    place: (placement) => sent(() => store.place(placement)),
    change: (from, to) => sent(() => store.change(from, to)),
    counts: () => sent(() => store.counts()),
    deadAmong: (units) => sent(() => store.deadAmong(units)),
    deadSince: (unit) => sent(() => store.deadSince(unit)),
    declareDead: (unit, at) => sent(() => store.declareDead(unit, at)),
  }
}
