/** The relay packs whole blocks, whatever dies, fails, is slow, or runs at the same time; and nothing else waits for it. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { RelayDeps } from '../../../core/relay/deps.ts'
import { reconcile } from '../../../core/relay/reconcile.ts'
import { relayProcess } from '../../../core/relay/relay.ts'
import { createStreamRelay } from '../../../core/relay/stream.ts'
import { buildBlock } from '../../../core/segments/build.ts'
import { createSegmentBuilder } from '../../../core/segments/builder.ts'
import { createSegmentReader } from '../../../core/segments/reader.ts'
import { FakeRelayStore } from '../../fakes/relay-store.ts'
import { FakeSegmentIndexes, FakeSegmentObjects } from '../../fakes/segment-stores.ts'
import { type Life, mortal } from '../relay/mortal.ts'
import { RelayWorld } from '../relay/world.ts'
import { headOf, mixedProcess, plainNodes, readerOf, readNodes } from './packed.ts'

let world: RelayWorld
beforeEach(() => {
  world = new RelayWorld()
  world.sinks = ['metadata', 'upload', 'segments']
})

const in10Minutes = (of = world) => of.clock.now() + 600_000
const relay = (process: string, of = world) =>
  of.clock.run(relayProcess(of.deps, process, { deadline: in10Minutes(of) }))
const down = () => {
  throw new Error('down')
}

/** What one builder alone makes of a process. */
async function madeAlone(of: RelayWorld, process: string) {
  const stores = { objects: new FakeSegmentObjects(), indexes: new FakeSegmentIndexes() }
  const blocks = Math.floor(headOf(of, process).next / 256)
  for (let block = 0; block < blocks; block++) {
    await buildBlock({ ...of.packing, ...stores }, headOf(of, process), block)
  }
  return { objects: stores.objects.objects, indexes: stores.indexes.rows }
}

const made = (of: RelayWorld) => ({ objects: of.objects.objects, indexes: of.indexes.rows })

describe('the relay', () => {
  it.each([true, false])('packs whole blocks as soon as they are there (process assigned: %s)', async (assigned) => {
    const process = await world.spawn(254, { assigned })
    expect((await relay(process)).sinks.get('segments')).toEqual({ kind: 'done', moved: false })
    expect(made(world)).toEqual({ objects: new Map(), indexes: new Map() })
    await world.grow(process, 2)
    await relay(process)
    world.checkFinished()
    await world.grow(process, 500)
    await relay(process)
    world.checkFinished()
    expect(world.store.done(process, 'segments')).toBe(assigned ? 512 : 768 - 256)
    expect(made(world)).toEqual(await madeAlone(world, process))
  })

  it('packs the same also where few records come in one answer', async () => {
    const process = await mixedProcess(world, 2)
    const alone = await madeAlone(world, process)
    world.log.recordsAtOnce = 5
    await relay(process)
    world.checkFinished()
    expect(made(world)).toEqual(alone)
  })

  it('does nothing again that is done', async () => {
    const process = await mixedProcess(world, 2)
    await relay(process)
    let calls = 0
    world.objects.faults = { before: () => calls++ }
    world.indexes.faults = { before: () => calls++ }
    await relay(process)
    expect(calls).toBe(0)
    // The watermark was lost: what stands is found.
    world.indexes.faults = {}
    const builder = createSegmentBuilder(world.packing)
    expect(await builder.build(headOf(world, process), 1)).toEqual({ kind: 'there' })
    expect(calls).toBe(0)
  })

  for (const lastHappens of [false, true]) {
    it(`killed ${lastHappens ? 'after' : 'before'} each step leaves nothing half there`, async () => {
      const process = await mixedProcess(world, 2)
      const alone = await madeAlone(world, process)
      const nodes = [await plainNodes(world, process, 0, 255), await plainNodes(world, process, 256, 511)]
      let died = true
      let step = 0
      for (; died; step++) {
        const store = new FakeRelayStore()
        store.moveHead(process, headOf(world, process).next)
        const packing = { ...world.packing, objects: new FakeSegmentObjects(), indexes: new FakeSegmentIndexes() }
        const deps = { ...world.deps, store, segments: createSegmentBuilder(packing), sinks: ['segments'] as const }
        const run = (of: RelayDeps) => world.clock.run(relayProcess(of, process, { deadline: in10Minutes() }))
        const life: Life = { calls: step, lastHappens }
        await run(mortal(deps, packing, life))
        died = life.calls < 0

        // What an index names is all there and right; below the watermark nothing is missing.
        const reader = createSegmentReader({ ...packing, damage: { report: down } })
        for (const [block, index] of (await reader.blocks(process, [0, 1])).entries()) {
          if (index === undefined) expect(store.done(process, 'segments') ?? 0).toBeLessThanOrEqual(block * 256)
          else expect(await readNodes(reader, process, block * 256, block * 256 + 255)).toEqual(nodes[block])
        }

        expect((await run(deps)).sinks.get('segments')).toMatchObject({ kind: 'done' })
        expect(store.done(process, 'segments')).toBe(512)
        expect({ objects: packing.objects.objects, indexes: packing.indexes.rows }).toEqual(alone)
      }
      // Progress; then for each block the index that may be there, records, blobs, two objects, the index, the watermark.
      expect(step).toBeGreaterThan(20)
    }, 60_000)
  }

  it('may run many times at once, and all write the same bytes', async () => {
    const process = await mixedProcess(world, 3)
    const slow = { before: () => world.clock.sleep(world.clock.random() * 3000) }
    Object.assign(world.objects, { faults: slow })
    Object.assign(world.indexes, { faults: slow })
    Object.assign(world.log, { faults: slow })
    const builder = () => createSegmentBuilder(world.packing)
    const run = () => relayProcess({ ...world.deps, segments: builder() }, process, { deadline: in10Minutes() })
    await world.clock.run(Promise.all([run(), run(), run(), run()]))
    world.heal()
    world.checkFinished()
    expect(made(world)).toEqual(await madeAlone(world, process))
  })

  it('packs nothing that is not sound, says so once, and goes on', async () => {
    const process = await world.spawn(600)
    const records = world.recordsOf(process)
    const [one, other] = [records[300], records[301]]
    if (!one?.assignment || !other?.assignment) throw new Error('no records')
    world.log.held.records.set(`${process}/300`, { ...one, assignment: other.assignment })
    await relay(process)
    await relay(process)
    expect(world.store.done(process, 'segments')).toBe(512)
    expect([...world.indexes.rows.keys()]).toEqual([`${process}/0`])
    expect(world.warnings).toMatchObject([{ process, block: 1, message: expect.stringContaining('not sound') }])
    expect(JSON.stringify(world.warnings)).toContain('nonce 300 was signed with another Nonce')
  })

  it('packs a record that is larger than every bound', async () => {
    const process = await world.spawn(200)
    await world.grow(process, 1, { body: 'blob', data: 4_500_000, fill: 0 })
    await world.grow(process, 60)
    await relay(process)
    world.checkFinished()
    const reader = readerOf(world)
    for (const [from, to] of [
      [199, 203],
      [201, 201],
    ] as const) {
      expect(await readNodes(reader, process, from, to)).toEqual(await plainNodes(world, process, from, to))
    }
  })
})

describe('while S3 is in trouble', () => {
  it('uploads and metadata go on, and segments are caught up with afterwards', async () => {
    const process = await mixedProcess(world, 2)
    world.objects.faults = { before: down }
    const { sinks } = await relay(process)
    expect(sinks.get('segments')).toMatchObject({ kind: 'behind', late: false, moved: false })
    world.checkFinished(['metadata', 'upload'])
    expect(world.indexes.rows.size).toBe(0)
    world.heal()
    // It pauses first.
    expect((await relay(process)).sinks.get('segments')).toMatchObject({ kind: 'behind', moved: false })
    await world.clock.run(world.clock.sleep(60_000))
    await relay(process)
    world.checkFinished()
  })

  it('an invocation of the stream does not wait for each process anew, nor does the stream', async () => {
    const processes = await Promise.all(Array.from({ length: 20 }, () => world.spawn(256)))
    world.objects.faults = {
      before: async () => {
        await world.clock.sleep(8_000)
        down()
      },
    }
    const stream = createStreamRelay(world.deps)
    const begun = world.clock.now()
    expect(await world.clock.run(stream(processes, in10Minutes()))).toEqual(new Set())
    expect(world.clock.now() - begun).toBeLessThan(17_000)
    world.checkFinished(['metadata', 'upload'])
    const again = world.clock.now()
    expect(await world.clock.run(stream(processes, in10Minutes()))).toEqual(new Set())
    expect(world.clock.now() - again).toBeLessThan(1_000)

    world.heal()
    for (let minute = 0; minute < 3; minute++) {
      await world.clock.run(world.clock.sleep(60_000))
      await world.clock.run(reconcile(world.deps, in10Minutes()))
      await world.clock.run(stream(world.store.woken.splice(0), in10Minutes()))
    }
    world.checkFinished()
  })

  it('one process whose trouble is its own holds up no other', async () => {
    const bad = await mixedProcess(world, 1)
    const blob = world.recordsOf(bad).find(({ item }) => item && 'blob' in item)?.item
    if (blob && 'blob' in blob) world.blobs.lose(blob.blob)
    const stream = createStreamRelay({ ...world.deps, sinks: ['segments'] })
    for (let round = 0; round < 10; round++) {
      const good = await world.spawn(256)
      await world.clock.run(stream([bad, good], in10Minutes()))
      expect(world.store.done(good, 'segments')).toBe(256)
      await world.clock.run(world.clock.sleep(20_000))
    }
    expect(world.store.done(bad, 'segments')).toBe(256)
    expect(world.store.allOwed).toMatchObject([{ process: bad, sink: 'segments', nonce: 0, part: 'block' }])
  })

  it('a backlog is packed in small pieces, behind everything else', async () => {
    const processes = [await world.spawn(2600), await world.spawn(1300), await world.spawn(3)]
    const slow = { before: () => world.clock.sleep(3_000) }
    world.objects.faults = slow
    const stream = createStreamRelay(world.deps)
    let runs = 0
    for (let next = processes; next.length > 0; next = world.store.woken.splice(0)) {
      const begun = world.clock.now()
      expect(await world.clock.run(stream(next, in10Minutes()))).toEqual(new Set())
      expect(world.clock.now() - begun).toBeLessThan(14_000)
      runs++
    }
    expect(runs).toBeGreaterThan(1)
    world.checkFinished()
  })
})

describe('the reconciler', () => {
  it('finds whole blocks that are not packed, and nothing else', async () => {
    const [behind, waiting] = [await world.spawn(600), await world.spawn(200)]
    for (const process of [behind, waiting]) {
      const deps = { ...world.deps, sinks: ['metadata', 'upload'] as const }
      await world.clock.run(relayProcess(deps, process, { deadline: in10Minutes() }))
    }
    expect(await world.clock.run(reconcile(world.deps, in10Minutes()))).toMatchObject({ marked: 1, woken: 1 })
    expect(world.store.woken).toEqual([behind])
    expect(world.store.markerOf(behind)?.behind).toEqual({ segments: world.recordsOf(behind)[0]?.timeKey })
  })
})
