/** The reconciler: retries what is owed, wakes what is behind, counts both, and reads little. */
import { beforeEach, describe, expect, it } from 'vitest'
import { reconcile } from '../../../core/relay/reconcile.ts'
import { createStreamRelay } from '../../../core/relay/stream.ts'
import { away, RelayWorld, refused } from './world.ts'

let world: RelayWorld
beforeEach(() => {
  world = new RelayWorld()
})

const MINUTE = 60_000
const run = (deps = world.deps) => world.clock.run(reconcile(deps, world.clock.now() + 50_000))
const stream = (processes: string[]) =>
  world.clock.run(createStreamRelay(world.deps)(processes, world.clock.now() + 275_000))
const wait = (ms: number) => world.clock.run(world.clock.sleep(ms))
const minutes = async (count: number): Promise<void> => {
  for (let minute = 0; minute < count; minute++) {
    await wait(MINUTE)
    await run()
    await stream(world.store.woken.splice(0))
  }
}

describe('processes that are behind', () => {
  it('are woken where the stream has dropped them, and only those', async () => {
    const [finished, fresh, further] = [await world.spawn(3), await world.spawn(3), await world.spawn(3)]
    await stream([finished, further])
    await world.grow(further, 2)
    const report = await run()
    expect(world.store.woken.toSorted()).toEqual([fresh, further].toSorted())
    expect(report).toMatchObject({ marked: 2, woken: 2, owed: 0 })
    await stream(world.store.woken.splice(0))
    await minutes(2)
    world.checkFinished()
    expect(await run()).toMatchObject({ marked: 0 })
  })

  it('are left to the stream while their head moves', async () => {
    const process = await world.spawn(3)
    world.store.moveHead(process, 4, 0, world.clock.now())
    expect(await run()).toMatchObject({ marked: 0 })
  })

  it('are found a slice at a time', async () => {
    world.store.sliceSize = 2
    for (let n = 0; n < 5; n++) await world.spawn()
    for (const marked of [2, 4, 5]) expect((await run()).marked).toBe(marked)
  })

  it('are not looked for in sinks that are not done here', async () => {
    const process = await world.spawn(3)
    world.sinks = ['upload']
    await stream([process])
    expect(await run()).toMatchObject({ marked: 0 })
  })

  it('say how late each sink is', async () => {
    const process = await world.spawn(3)
    world.bundler.decide = () => away
    await stream([process])
    await wait(10 * MINUTE)
    await run()
    expect(world.counts.get('metadata_lag_seconds')).toBe(0)
    const first = world.recordsOf(process)[0]?.timestamp ?? 0
    expect(world.counts.get('upload_lag_seconds')).toBe(Math.round((world.clock.now() - first) / 1000))
  })

  it('catch up within minutes when an outage of an hour ends', async () => {
    const processes: string[] = []
    for (let n = 0; n < 50; n++) processes.push(await world.spawn(2))
    world.bundler.decide = () => away
    await stream(processes)
    await minutes(60)
    expect(world.store.allOwed).toEqual([])
    expect(world.bundler.taken.size).toBe(0)
    world.heal()
    await minutes(3)
    world.checkFinished()
    expect((await run()).marked).toBe(0)
  }, 30_000)
})

describe('owed parts', () => {
  const poison = async (reason = 'status 413') => {
    const process = await world.spawn(3)
    const bad = world.recordsOf(process)[2]?.id
    world.bundler.decide = (id) => (id === bad ? { kind: 'trouble', reason } : undefined)
    await stream([process])
    return { process, bad }
  }

  it('are retried with growing delays, for ever', async () => {
    const { bad } = await poison()
    const at: number[] = []
    const decide = world.bundler.decide
    world.bundler.decide = (id) => {
      if (id === bad) at.push(world.clock.now())
      return decide(id)
    }
    await minutes(5 * 24 * 60)
    const delays = at.slice(1).map((time, index) => Math.round((time - (at[index] ?? 0)) / MINUTE))
    expect(delays.slice(0, 4)).toEqual([8, 16, 32, 64])
    expect(Math.max(...delays)).toBeLessThanOrEqual(24 * 60 + 1)
    expect(world.store.allOwed).toHaveLength(1)
    world.heal()
    await minutes(24 * 60 + 2)
    world.checkFinished()
    expect((await run()).marked).toBe(0)
  }, 120_000)

  it('are counted, and dead letters by themselves', async () => {
    await poison()
    await wait(5 * MINUTE)
    await run()
    expect(world.counts.get('owed_parts')).toBe(1)
    world.bundler.decide = () => refused
    await wait(20 * MINUTE)
    const report = await run()
    expect(report).toMatchObject({ owed: 0, deadLetters: 1 })
    expect(world.store.allOwed[0]).not.toHaveProperty('next')
    // It is counted until an operator has seen to it.
    await wait(MINUTE)
    expect(await run()).toMatchObject({ marked: 1, owed: 0, deadLetters: 1 })
  })

  it('fail only so often in a run', async () => {
    for (let n = 0; n < 150; n++) {
      const process = await world.spawn()
      await world.store.owe([
        { process, sink: 'upload', nonce: 0, part: 'item', id: process, reason: 'no', since: 0, tries: 1, next: 0 },
      ])
      await world.store.advance(process, { upload: { from: undefined, to: 1 }, metadata: { from: undefined, to: 1 } })
    }
    world.bundler.decide = () => ({ kind: 'trouble', reason: 'status 402' })
    await run()
    expect(world.bundler.attempts.length).toBeLessThanOrEqual(108)
    expect(world.bundler.attempts.length).toBeGreaterThanOrEqual(100)
  })

  it('are not sent while the account pauses, nor counted as tried', async () => {
    const { process } = await poison()
    const [{ tries } = { tries: 0 }] = world.store.allOwed
    world.bundler.decide = () => away
    await wait(10 * MINUTE)
    const { deps } = world
    for (let n = 0; n < 3; n++) await deps.pace.upload('other', Buffer.alloc(1))
    await run(deps)
    expect(world.store.allOwed).toMatchObject([{ process, tries }])
  })

  it('of every sink are done when what is missing is back', async () => {
    world.sinks = ['metadata', 'upload', 'segments']
    const process = await world.spawn(10)
    await world.grow(process, 1, { body: 'blob' })
    await world.grow(process, 250)
    const item = world.recordsOf(process)[11]?.item
    if (!item || !('blob' in item)) throw new Error('no blob')
    const raw = await world.blobs.get(item.blob)
    world.blobs.lose(item.blob)
    await stream([process])
    expect(world.store.allOwed).toHaveLength(3)
    await world.blobs.put(item.blob, raw)
    await minutes(5)
    world.checkFinished()
    expect(world.store.allOwed).toEqual([])
  })

  it('without a marker are found by a slice', async () => {
    const { process } = await poison()
    await world.store.remark(process, world.store.markerOf(process)?.at ?? 0, undefined)
    expect(await run()).toMatchObject({ marked: 1 })
  })
})

it('looks for a sample of what was taken a day ago at a gateway', async () => {
  const process = await world.spawn(50)
  await stream([process])
  await wait(25 * 60 * MINUTE)
  const asked: string[] = []
  const isPublished = async (id: string) => {
    asked.push(id)
    return asked.length % 2 === 0
  }
  for (let n = 0; n < 1440; n++) await run({ ...world.deps, isPublished })
  expect(asked.length).toBeGreaterThan(20)
  expect(asked.length).toBeLessThan(100)
  expect(world.counts.get('uploads_sampled')).toBe(asked.length)
  expect(world.counts.get('uploads_missing')).toBe(Math.ceil(asked.length / 2))
  expect(world.idsOf(process)).toEqual(expect.arrayContaining(asked))
})

it('fails where it cannot read, and goes on where a process cannot be read', async () => {
  await world.spawn()
  for (const broken of ['slice', 'markers']) {
    world.store.faults = {
      before: ({ name }) => {
        if (name === broken) throw new Error('down')
      },
    }
    await expect(run()).rejects.toMatchObject({ code: 'unavailable' })
  }
  world.store.faults = {
    before: ({ name }) => {
      if (name === 'progress') throw new Error('down')
    },
  }
  expect(await run()).toMatchObject({ marked: 1, woken: 0 })
  world.heal()
  await minutes(2)
  world.checkFinished()
})
