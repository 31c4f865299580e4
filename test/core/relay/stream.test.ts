/** What the stream sets off, and what it is asked to bring again. */
import { beforeEach, describe, expect, it } from 'vitest'
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

  it('brings what could not be uploaded again, and nothing else', async () => {
    const [good, bad] = [await world.spawn(2), await world.spawn(2)]
    const ids = new Set(world.idsOf(bad))
    world.bundler.decide = (id) => (ids.has(id) ? away : undefined)
    const relay = createStreamRelay(world.deps)
    expect(await world.clock.run(relay([bad, good], in10Minutes()))).toEqual(new Set([bad]))
    expect(world.store.done(good, 'upload')).toBe(3)
    expect(world.store.done(bad, 'metadata')).toBe(3)
    world.heal()
    expect(await world.clock.run(relay([bad], in10Minutes()))).toEqual(new Set())
    world.checkFinished()
  })

  it('is not held up for longer than a minute by what stays in trouble', async () => {
    const process = await world.spawn(2)
    world.bundler.decide = () => away
    const relay = createStreamRelay(world.deps)
    const begun = world.clock.now()
    while ((await world.clock.run(relay([process], in10Minutes()))).size > 0) {
      expect(world.clock.now() - begun).toBeLessThan(70_000)
    }
    expect(world.clock.now() - begun).toBeGreaterThanOrEqual(60_000)
    // From now on a message costs one attempt, and no waiting.
    world.bundler.attempts.length = 0
    const later = world.clock.now()
    expect(await world.clock.run(relay([process], in10Minutes()))).toEqual(new Set())
    expect(world.bundler.attempts).toHaveLength(2)
    expect(world.clock.now() - later).toBeLessThan(1000)
    // When it is well again, trouble is urgent again.
    world.heal()
    await world.clock.run(relay([process], in10Minutes()))
    world.checkFinished()
    world.bundler.decide = () => away
    await world.grow(process, 1)
    expect(await world.clock.run(relay([process], in10Minutes()))).toEqual(new Set([process]))
  })

  it('is not held up by an absent Postgres, unless that is all that there is to do', async () => {
    const process = await world.spawn(2)
    world.index.faults = down
    expect(await world.clock.run(createStreamRelay(world.deps)([process], in10Minutes()))).toEqual(new Set())
    world.checkFinished(['upload'])
    const metadataOnly = createStreamRelay({ ...world.deps, effects: ['metadata'] })
    expect(await world.clock.run(metadataOnly([process], in10Minutes()))).toEqual(new Set([process]))
  })

  it('brings everything again while the log does not answer', async () => {
    const process = await world.spawn(2)
    for (const part of ['log', 'store'] as const) {
      world[part].faults = down
      const relay = createStreamRelay(world.deps)
      expect(await world.clock.run(relay([process], in10Minutes()))).toEqual(new Set([process]))
      world.heal()
    }
  })

  it('is not held up by a long backlog: that wakes itself and goes on behind the others', async () => {
    const process = await world.spawn(200)
    const deps = {
      ...world.deps,
      bundler: {
        async upload(id: string, raw: Buffer) {
          await world.clock.sleep(1000)
          return world.bundler.upload(id, raw)
        },
      },
    }
    const relay = createStreamRelay(deps)
    expect(await world.clock.run(relay([process], world.clock.now() + 5000))).toEqual(new Set())
    expect(world.store.woken).toEqual([process])
    while (world.store.woken.length > 0) {
      await world.clock.run(relay(world.store.woken.splice(0), world.clock.now() + 5000))
    }
    world.checkFinished()

    // Where it cannot be woken, the stream has to.
    await world.grow(process, 200)
    world.store.faults = { before: (operation) => operation.name === 'wake' && down.before() }
    expect(await world.clock.run(relay([process], world.clock.now() + 5000))).toEqual(new Set([process]))
    // Nor does it wake itself for ever where there is no time for anything.
    expect(await world.clock.run(relay([process], world.clock.now()))).toEqual(new Set([process]))
  })

  it('brings back what was left, as soon as the same effect works elsewhere', async () => {
    const relay = createStreamRelay(world.deps)
    const run = (processes: string[]) => world.clock.run(relay(processes, in10Minutes()))
    const processes = await Promise.all(Array.from({ length: 50 }, () => world.spawn(1)))
    world.index.faults = down
    await run(processes)
    await world.clock.run(world.clock.sleep(20_000))
    // Nothing is woken while nothing works, nor by what had nothing to do.
    await run(processes.slice(0, 1))
    expect(world.store.woken).toEqual([])

    world.heal()
    await world.clock.run(world.clock.sleep(20_000))
    await run([await world.spawn()])
    expect(world.store.woken).toHaveLength(32)
    while (world.store.woken.length > 0) await run(world.store.woken.splice(0))
    world.checkFinished()
  })

  it('wakes what stays in trouble by itself only now and then', async () => {
    const [good, bad] = [await world.spawn(), await world.spawn()]
    const ids = new Set(world.idsOf(bad))
    world.bundler.decide = (id) => (ids.has(id) ? away : undefined)
    const relay = createStreamRelay(world.deps)
    const begun = world.clock.now()
    while ((await world.clock.run(relay([bad], in10Minutes()))).size > 0);
    expect(world.clock.now() - begun).toBeGreaterThan(60_000)
    world.bundler.attempts.length = 0
    for (let second = 0; second < 100; second++) {
      await world.grow(good, 1)
      await world.clock.run(relay([good, ...world.store.woken.splice(0)], in10Minutes()))
      await world.clock.run(world.clock.sleep(1000))
    }
    // Item and assignment, each ten seconds.
    expect(world.bundler.attempts.filter((id) => ids.has(id)).length).toBeLessThanOrEqual(20)
    world.heal()
    await world.clock.run(world.clock.sleep(10_000))
    await world.grow(good, 1)
    await world.clock.run(relay([good], in10Minutes()))
    expect(world.store.woken).toEqual([bad])
  })
})
