/**
 * Writers, moves and their abandoning at once, over a bad network, some killed: whatever the seed makes of it, a process never has
 * two open heads, its log is sound wherever it comes to rest, and what was acknowledged is in it once.
 */
import { describe, expect, it } from 'vitest'
import { SchedulerError } from '../../../core/errors.ts'
import { moveProcess } from '../../../core/placement/move.ts'
import { abandonMove } from '../../../core/placement/move-abandon.ts'
import { seeds } from '../../effort.ts'
import { mulberry32 } from '../../fakes/virtual-clock.ts'
import { audit } from '../log/audit.ts'
import { unreliable } from '../log/unreliable-store.ts'
import { Killed, MoveWorld, type TestUnit, wrapped } from './move-world.ts'

const WRITERS = 30
const OPERATORS = 5
const SPAN_MS = 4_000

interface Acknowledged {
  id: string
  nonce: number
  assignment: string
}

async function simulate(seed: number) {
  const random = mulberry32(seed)
  const world = new MoveWorld(seed)
  const { clock, placements, units } = world
  const anyUnit = (): TestUnit => units[Math.floor(random() * units.length)] ?? world.a
  const process = await world.spawn(world.a)
  await world.grow(world.a, process, Math.floor(random() * 10))

  const faults: string[] = []
  const watch = () => {
    const open = world.open(process)
    if (open.length > 1) faults.push(`open at once on ${open.join(' and ')}`)
  }
  const acknowledged: Acknowledged[] = []
  let moves = 0

  const write = async () => {
    await clock.sleep(SPAN_MS * random())
    const entry = random() < 0.3 ? await world.message(process, { pushed: true }) : await world.message(process)
    // A client asks again, wherever the router sends it by then; some routers are slow to hear of a move.
    for (let tries = 0; tries < 40; tries++) {
      const named = units.find(({ url }) => url === placements.standing(process)?.unit)
      const unit = named && random() < 0.8 ? named : anyUnit()
      const network = { clock, random, faults: 0.2 * random(), crashed: false }
      const instance = unit.instance(unreliable(unit.log, network))
      try {
        acknowledged.push({ id: entry.id, ...(await instance.schedule(entry, clock.now() + 800)) })
        return
      } catch (error) {
        if (!(error instanceof SchedulerError)) throw error
        if (error.code === 'already-scheduled' && error.details.place) {
          acknowledged.push({ id: entry.id, ...error.details.place })
          return
        }
      }
      await clock.sleep(400 * random())
    }
  }

  /** What an operator's machine makes of a port. */
  const flaky = <T extends object>(thing: T, life: { calls: number }): T =>
    wrapped(thing, async (run) => {
      if (life.calls-- <= 0) throw new Killed('killed')
      const chance = random()
      await clock.sleep(chance < 0.03 ? 1_500 * random() : 15 * random())
      if (chance > 0.98) throw new SchedulerError('unavailable', 'injected')
      const answer = await run()
      watch()
      await clock.sleep(10 * random())
      if (chance > 0.96) throw new SchedulerError('unavailable', 'injected, after the deed')
      return answer
    })

  const operate = async () => {
    await clock.sleep(SPAN_MS * random())
    const [from, to] = [anyUnit(), anyUnit()]
    const abandons = random() < 0.3
    for (let tries = 0; tries < 4; tries++) {
      const life = { calls: random() < 0.4 ? Math.floor(40 * random()) : Number.POSITIVE_INFINITY }
      const deps = flaky(world.deps, life)
      const unit = units.find(({ url }) => url === placements.standing(process)?.unit) ?? from
      try {
        if (abandons) await abandonMove(deps, process, flaky(unit, life))
        else {
          const order = { process, from: flaky(tries === 0 ? from : unit, life), to: flaky(to, life) }
          await moveProcess(deps, { ...order, uploadPatienceMs: 300 })
          moves++
        }
        return
      } catch (error) {
        if (error instanceof Killed) return
        if (!(error instanceof SchedulerError)) throw error
        if (!['unavailable', 'invalid-request'].includes(error.code)) throw error
      }
      await clock.sleep(500 * random())
    }
  }

  const all = [...Array.from({ length: WRITERS }, write), ...Array.from({ length: OPERATORS }, operate)]
  await clock.run(Promise.all(all))
  // What is still on its way lands.
  await clock.run(clock.sleep(60_000))
  watch()

  // Somebody finishes, or gives up, what others left.
  const placement = placements.standing(process)
  const home = units.find(({ url }) => url === placement?.unit)
  if (!home) return { faults: ['placed nowhere'], acknowledged, moves, world, process }
  await clock.run(abandonMove(world.deps, process, home))
  watch()
  if (world.open(process)[0] !== home.url) faults.push('closed where it is placed')
  const next = home.head(process)?.next
  const place = await world.schedule(home, await world.message(process))
  if (place.nonce !== next) faults.push('does not go on')
  const { records, faults: unsound } = await audit(home.log, process)
  faults.push(...unsound)
  for (const { id, nonce, assignment } of acknowledged) {
    const places = records.filter((record) => record.id === id)
    if (places.length !== 1 || places[0]?.nonce !== nonce)
      faults.push(`${id} was acknowledged at ${nonce}, and is not there`)
    const [found] = await home.log.find(assignment)
    if (found?.place.nonce !== nonce) faults.push(`the assignment of ${id} is not found`)
  }
  // Nothing stands anywhere that is not in the log that counts.
  const ids = home.ids(process)
  for (const unit of units) {
    for (const [nonce, id] of unit.ids(process)) {
      if (ids.get(nonce) !== id) faults.push(`${id} stands at ${nonce} on ${unit.url} only`)
    }
  }
  for (const unit of units) await clock.run(unit.relayed(process))
  for (const record of records) {
    if (!world.bundler.taken.has(record.id)) faults.push(`nonce ${record.nonce} was not uploaded`)
  }
  return { faults, acknowledged, moves, world, process }
}

const all = seeds(150, 30)

describe('moves among writers', () => {
  it(`leave one sound log with all that was acknowledged, ${all.length} seeds`, async () => {
    let acknowledged = 0
    let moves = 0
    for (const seed of all) {
      const outcome = await simulate(seed)
      expect(outcome.faults, `seed ${seed}`).toEqual([])
      acknowledged += outcome.acknowledged.length
      moves += outcome.moves
    }
    if (all.length === 1) return
    expect(acknowledged).toBeGreaterThan(all.length * 20)
    expect(moves).toBeGreaterThan(all.length / 2)
  })
})
