/** What the stream sets off, what it is asked to bring again, and that no process takes the turn of another. */
import { beforeEach, describe, expect, it } from 'vitest'
import { createPace } from '../../../core/relay/pace.ts'
import { reconcile } from '../../../core/relay/reconcile.ts'
import { createStreamRelay } from '../../../core/relay/stream.ts'
import { away, RelayWorld } from './world.ts'

let world: RelayWorld
beforeEach(() => {
  world = new RelayWorld()
})

const in10Minutes = () => world.clock.now() + 600_000
const down = {
  before: () => {
    throw new Error('down')
  },
}
/** A bundler that takes so long for each part. */
const slow = (ms: number) =>
  createPace(
    {
      async upload(id, raw) {
        await world.clock.sleep(ms)
        return world.bundler.upload(id, raw)
      },
    },
    world.clock,
  )

describe('the stream', () => {
  it('has each process relayed once, however often it changed', async () => {
    const processes = await Promise.all(Array.from({ length: 30 }, () => world.spawn(2)))
    let asked = 0
    world.store.faults = { before: ({ name }) => name === 'progress' && asked++ }
    const relay = createStreamRelay(world.deps)
    const again = await world.clock.run(relay([...processes, ...processes, ...processes], in10Minutes()))
    expect(again).toEqual(new Set())
    expect(asked).toBe(30)
    world.checkFinished()
  })

  it('never waits for a process in trouble: that is marked for the reconciler', async () => {
    const [good, bad] = [await world.spawn(2), await world.spawn(2)]
    const ids = new Set(world.idsOf(bad))
    world.bundler.decide = (id) => (ids.has(id) ? away : undefined)
    world.index.faults = down
    expect(await world.clock.run(createStreamRelay(world.deps)([bad, good], in10Minutes()))).toEqual(new Set())
    expect(world.store.markerOf(bad)?.at).toBeLessThanOrEqual(world.clock.now())
    expect(world.store.markerOf(good)).toBeDefined()
    world.heal()
    await world.clock.run(world.clock.sleep(120_000))
    await world.clock.run(reconcile(world.deps, in10Minutes()))
    await world.clock.run(createStreamRelay(world.deps)(world.store.woken, in10Minutes()))
    await world.clock.run(world.clock.sleep(120_000))
    await world.clock.run(reconcile(world.deps, in10Minutes()))
    world.checkFinished()
    expect(world.store.markerOf(bad)).toBeUndefined()
  })

  it('brings a process again only where neither its state can be read nor a marker be written', async () => {
    const process = await world.spawn(2)
    world.store.faults = down
    expect(await world.clock.run(createStreamRelay(world.deps)([process], in10Minutes()))).toEqual(new Set([process]))
    world.heal()
    world.log.faults = down
    expect(await world.clock.run(createStreamRelay(world.deps)([process], in10Minutes()))).toEqual(new Set())
    expect(world.store.markerOf(process)).toBeDefined()
  })

  it('is not held up by a long backlog: a process gets ten seconds, and then goes behind the others', async () => {
    const big = await world.spawn(3_000)
    const small = await world.spawn()
    const relay = createStreamRelay({ ...world.deps, pace: slow(1000) })
    const begun = world.clock.now()
    expect(await world.clock.run(relay([big], world.clock.now() + 275_000))).toEqual(new Set())
    expect(world.clock.now() - begun).toBeLessThanOrEqual(11_050)
    expect(world.store.woken).toEqual([big])
    await world.clock.run(relay([small], world.clock.now() + 275_000))
    expect(world.store.done(small, 'upload')).toBe(1)
    expect(world.clock.now() - begun).toBeLessThanOrEqual(13_000)
    while (world.store.woken.length > 0) {
      await world.clock.run(relay(world.store.woken.splice(0), world.clock.now() + 275_000))
    }
    world.checkFinished()
  }, 60_000)

  it('does not have a process wake itself for ever where there is no time for anything', async () => {
    const process = await world.spawn(2)
    expect(await world.clock.run(createStreamRelay(world.deps)([process], world.clock.now()))).toEqual(new Set())
    expect(world.store.woken).toEqual([])
    expect(world.store.markerOf(process)).toBeDefined()
  })

  it('sleeps no longer than two seconds, however many processes are in trouble', async () => {
    const processes = await Promise.all(Array.from({ length: 50 }, () => world.spawn(1)))
    world.bundler.decide = () => away
    world.index.faults = down
    const begun = world.clock.now()
    await world.clock.run(createStreamRelay(world.deps)(processes, in10Minutes()))
    expect(world.clock.now() - begun).toBeLessThanOrEqual(2_050)
    expect(world.bundler.attempts.length).toBeLessThan(30)
  })

  it('does not wait out a Retry-After that one process met with', async () => {
    const [one, other] = [await world.spawn(1), await world.spawn()]
    const bad = world.recordsOf(one)[1]?.id
    world.bundler.decide = (id) =>
      id === bad ? { kind: 'trouble', reason: 'status 429', away: true, retryAfterMs: 60_000 } : undefined
    const relay = createStreamRelay(world.deps)
    const begun = world.clock.now()
    await world.clock.run(relay([one], world.clock.now() + 275_000))
    await world.clock.run(relay([other], world.clock.now() + 275_000))
    expect(world.clock.now() - begun).toBeLessThan(2_000)
    // It is the account's: nobody asks before it has passed.
    expect(world.bundler.attempts.filter((id) => id === bad)).toHaveLength(1)
    expect(world.store.done(other, 'upload')).toBeUndefined()
    world.heal()
    await world.clock.run(world.clock.sleep(60_000))
    await world.clock.run(relay([one, other], world.clock.now() + 275_000))
    expect(world.store.done(other, 'upload')).toBe(1)
  })
})

it('300 poisoned processes beside a healthy one cost little, and the healthy one nothing', async () => {
  const bad = new Set<string>()
  const poisoned: string[] = []
  for (let n = 0; n < 300; n++) {
    const process = await world.spawn(1)
    poisoned.push(process)
    bad.add(world.recordsOf(process)[1]?.id ?? '')
  }
  const healthy = await world.spawn()
  world.bundler.decide = (id) => (bad.has(id) ? { kind: 'trouble', reason: 'status 402: no credit' } : undefined)
  const { deps } = world
  const relay = createStreamRelay(deps)
  const reconciler = { ...world.deps }
  let batch = poisoned
  let slowest = 0
  const begun = world.clock.now()
  for (let second = 0; world.clock.now() - begun < 3_600_000; second++) {
    if (second % 10 === 0) await world.grow(healthy, 1)
    const invoked = world.clock.now()
    const again = await world.clock.run(relay([...batch, healthy], invoked + 275_000))
    slowest = Math.max(slowest, world.clock.now() - invoked)
    if (second % 60 === 59) await world.clock.run(reconcile(reconciler, world.clock.now() + 50_000))
    batch = [...again, ...world.store.woken.splice(0)]
    expect(world.store.done(healthy, 'upload')).toBe(world.recordsOf(healthy).length)
    await world.clock.run(world.clock.sleep(Math.max(0, begun + (second + 1) * 1000 - world.clock.now())))
  }
  const posts = world.bundler.attempts.filter((id) => bad.has(id))
  // Three each at once, and six in the first hour: after 1, 2, 4, 8, 16 … minutes.
  expect(posts.length).toBeLessThanOrEqual(300 * 9)
  expect(posts.length).toBeGreaterThan(300 * 5)
  expect(slowest).toBeLessThanOrEqual(2_050)
  world.heal()
  for (let minute = 0; minute < 70; minute++) {
    await world.clock.run(world.clock.sleep(60_000))
    await world.clock.run(reconcile(reconciler, world.clock.now() + 50_000))
  }
  world.checkFinished()
}, 120_000)
