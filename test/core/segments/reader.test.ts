/** What is read from segments is what the records give, in few reads; what is damaged is never given, and is repaired. */
import fc from 'fast-check'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { encodeBundle, parseBundle } from '../../../core/ans104/bundle.ts'
import { SchedulerError } from '../../../core/errors.ts'
import { DamagedSegment, objectNames, type SegmentReader } from '../../../core/ports/segment-store.ts'
import { RENDERING } from '../../../core/read/render.ts'
import { readWhole } from '../../../core/relay/batch.ts'
import { createSegmentBuilder } from '../../../core/segments/builder.ts'
import { createSegmentReader } from '../../../core/segments/reader.ts'
import { createSegmentRepair } from '../../../core/segments/repair.ts'
import { verifySegments } from '../../../core/segments/verify.ts'
import { runs } from '../../effort.ts'
import { all, RelayWorld } from '../relay/world.ts'
import { build, buildAll, headOf, indexesOf, mixedProcess, plainNodes, readerOf, readNodes } from './packed.ts'

async function rawItems(world: RelayWorld, process: string, from: number, to: number): Promise<Buffer[]> {
  const items: Buffer[] = []
  for (const record of world.recordsOf(process).filter(({ nonce }) => nonce >= from && nonce <= to)) {
    const { assignment, rawItem } = await readWhole(world.deps, record)
    if (assignment) items.push(assignment)
    if (rawItem) items.push(rawItem)
  }
  return items
}

async function readBundle(reader: SegmentReader, process: string, from: number, to: number): Promise<Buffer> {
  const { items, raw } = await reader.bundle(process, await indexesOf(reader, process, from, to), from, to)
  const bytes = Buffer.concat(await all(raw))
  let start = 0
  const cut = items.map(({ id, bytes: length }) => {
    start += length
    return { id, raw: bytes.subarray(start - length, start) }
  })
  expect(start).toBe(bytes.length)
  return encodeBundle(cut)
}

describe('any stretch', () => {
  const world = new RelayWorld()
  let process: string
  beforeAll(async () => {
    process = await mixedProcess(world, 4)
    // Some blocks of several segments.
    await world.grow(process, 40, { body: 'blob', data: 400_000 })
    await world.grow(process, 1024 + 256 - 1034 - 40 + 300)
    await buildAll(world, process)
  })
  const stretches = fc
    .tuple(fc.nat(1279), fc.nat(600))
    .map(([from, length]) => ({ from, to: Math.min(1279, from + length) }))

  it('of nodes is what the records give, in both forms, whatever is in memory', async () => {
    const readers = [readerOf(world), readerOf(world, 300_000), readerOf(world, 1)]
    await fc.assert(
      fc.asyncProperty(stretches, fc.boolean(), fc.nat(2), async ({ from, to }, showAnchor, which) => {
        const reader = readers[which] ?? readerOf(world)
        const plain = await plainNodes(world, process, from, to, showAnchor)
        expect(await readNodes(reader, process, from, to, showAnchor)).toEqual(plain)
        const records = (await indexesOf(reader, process, from, to)).flatMap((index) => index.records)
        const sizes = records.filter(({ nonce }) => nonce >= from && nonce <= to)
        expect(sizes.map((record) => (showAnchor ? record.bytesWithAnchor : record.bytes))).toEqual(
          plain.map((node) => Buffer.byteLength(node)),
        )
      }),
      { numRuns: runs(60, 15) },
    )
  })

  it('of raw items is a bundle of what was signed', async () => {
    const readers = [readerOf(world), readerOf(world, 1)]
    await fc.assert(
      fc.asyncProperty(stretches, fc.nat(1), async ({ from, to }, which) => {
        const bundle = await readBundle(readers[which] ?? readerOf(world), process, from, to)
        const wanted = await rawItems(world, process, from, to)
        const items = parseBundle(bundle).map(({ raw }) => raw)
        expect(items.length).toBe(wanted.length)
        expect(items.every((raw, at) => raw.equals(wanted[at] ?? Buffer.alloc(0)))).toBe(true)
      }),
      { numRuns: runs(40, 10) },
    )
  })

  it('costs a few reads when it is new, and none when it is not', async () => {
    let reads = 0
    const counted = { before: () => reads++ }
    world.objects.faults = counted
    world.indexes.faults = counted
    const reader = readerOf(world)
    try {
      await readNodes(reader, process, 0, 999)
      // One for the indexes, one for each block.
      expect(reads).toBeLessThanOrEqual(5)
      reads = 0
      await readNodes(reader, process, 0, 999)
      await readNodes(reader, process, 300, 500, true)
      expect(reads).toBe(0)
      await readNodes(readerOf(world), process, 300, 399)
      expect(reads).toBe(2)
    } finally {
      world.heal()
    }
  })

  it('is read once by all who want it at the same time, and by whom it was expected for', async () => {
    const asked: string[] = []
    world.objects.faults = { before: ({ args }) => asked.push(JSON.stringify(args)) }
    world.indexes.faults = { before: ({ args }) => asked.push(JSON.stringify(args)) }
    const reader = readerOf(world)
    try {
      const plain = await plainNodes(world, process, 100, 700)
      const all = await Promise.all(Array.from({ length: 8 }, () => readNodes(reader, process, 100, 700)))
      for (const nodes of all) expect(nodes).toEqual(plain)
      expect(asked.length).toBe(new Set(asked).size)
      const expected = readerOf(world)
      const indexes = await indexesOf(expected, process, 100, 700)
      asked.length = 0
      expected.expect(process, indexes, 100, 700, { form: 'nodes' })
      const reads = asked.length
      expect(reads).toBeGreaterThan(0)
      expect(await readNodes(expected, process, 100, 700)).toEqual(plain)
      expect(asked.length).toBe(reads)
    } finally {
      world.heal()
    }
  })

  it('of a bundle is read with the header of its bundle, in one read a segment', async () => {
    const reader = readerOf(world)
    const indexes = await indexesOf(reader, process, 256, 511)
    const asked: string[] = []
    world.objects.faults = { before: ({ args }) => asked.push(JSON.stringify(args)) }
    try {
      const { raw } = await reader.bundle(process, indexes, 256, 511)
      await all(raw)
      expect(asked.length).toBe(indexes.flatMap(({ segments }) => segments).length)
    } finally {
      world.heal()
    }
  })

  it.each(['nodes', 'bundle'] as const)('of %s that was read early waits for who comes', async (form) => {
    const reader = readerOf(world)
    const indexes = await indexesOf(reader, process, 100, 700)
    const read = async () => {
      if (form === 'nodes') return await readNodes(reader, process, 100, 700)
      return [(await readBundle(reader, process, 100, 700)).toString('base64')]
    }
    let asked = 0
    world.objects.faults = { before: () => asked++ }
    try {
      reader.expect(process, indexes, 100, 700, { form, early: true })
      await new Promise((resolve) => setTimeout(resolve, 20))
      const early = asked
      const first = await read()
      expect(early).toBeGreaterThan(0)
      expect(asked).toBe(early)
      expect(first).toEqual(await read())
      if (form === 'nodes') expect(first).toEqual(await plainNodes(world, process, 100, 700))
    } finally {
      world.heal()
    }
  })

  it('whose indexes were asked for early and failed has them asked for again by who came for them', async () => {
    const reader = readerOf(world)
    const failing = Promise.withResolvers<void>()
    world.indexes.faults = {
      before: async () => {
        await failing.promise
        throw new SchedulerError('unavailable', 'frozen meanwhile')
      },
    }
    try {
      const early = reader.blocks(process, [0, 1, 2], { early: true })
      const meanwhile = reader.blocks(process, [1, 2])
      // Another one who asks early does not ask again.
      const too = reader.blocks(process, [2], { early: true })
      const asked: unknown[] = []
      world.indexes.faults = { before: ({ args }) => asked.push(args[1]) }
      failing.resolve()
      await expect(early).rejects.toMatchObject({ code: 'unavailable' })
      await expect(too).rejects.toMatchObject({ code: 'unavailable' })
      expect((await meanwhile).map((index) => index?.block)).toEqual([1, 2])
      expect(asked).toEqual([[1, 2]])
      // The store is not taken for one that is away.
      expect((await reader.blocks(process, [0, 1, 2, 3])).map((index) => index?.block)).toEqual([0, 1, 2, 3])
      expect(asked).toEqual([
        [1, 2],
        [0, 3],
      ])
    } finally {
      world.heal()
    }
  })

  it('that was read early and failed is read again by who comes, and the store is not taken for one that is away', async () => {
    const reader = readerOf(world)
    const indexes = await indexesOf(reader, process, 100, 700)
    const failing = Promise.withResolvers<void>()
    let asked = 0
    world.objects.faults = {
      before: async () => {
        asked++
        await failing.promise
        throw new SchedulerError('unavailable', 'frozen meanwhile')
      },
    }
    try {
      reader.expect(process, indexes, 100, 700, { form: 'nodes', early: true })
      const early = asked
      // One comes while it is being read, one after it has failed.
      const meanwhile = readNodes(reader, process, 100, 700)
      world.objects.faults = { before: () => asked++ }
      failing.resolve()
      const plain = await plainNodes(world, process, 100, 700)
      expect(await meanwhile).toEqual(plain)
      expect(asked).toBe(2 * early)
      expect(await readNodes(reader, process, 100, 700)).toEqual(plain)
      expect(asked).toBe(2 * early)
    } finally {
      world.heal()
    }
  })

  it('is read early only so much at once', async () => {
    const reader = readerOf(world)
    const indexes = await indexesOf(reader, process, 0, 1279)
    let bytes = 0
    world.objects.faults = {
      before: ({ args }) => {
        bytes += Number(args[2]) - Number(args[1])
      },
    }
    try {
      for (let from = 1040; from < 1280; from += 10) {
        reader.expect(process, indexes.slice(4), from, 1279, { form: 'nodes', early: true })
        reader.expect(process, indexes.slice(4), from, 1279, { form: 'bundle', early: true })
      }
      expect(bytes).toBeGreaterThan(4_000_000)
      expect(bytes).toBeLessThan(14_000_000)
    } finally {
      world.heal()
    }
  })

  it('that was expected in vain harms nobody, also where it cannot be read', async () => {
    const reader = readerOf(world)
    const indexes = await indexesOf(reader, process, 0, 700)
    world.objects.faults = {
      before: () => {
        throw new Error('down')
      },
    }
    reader.expect(process, indexes, 0, 700, { form: 'nodes' })
    await new Promise((resolve) => setImmediate(resolve))
    world.heal()
  })

  it('is read only as far ahead as fits, and no further when its reader goes', async () => {
    const asked: number[] = []
    world.objects.faults = { before: ({ args }) => asked.push(Number(args[2]) - Number(args[1])) }
    const reader = readerOf(world)
    const [from, to] = [0, 1279]
    const indexes = await indexesOf(reader, process, from, to)
    try {
      for await (const _ of reader.nodes(process, indexes, from, to, { showAnchor: false })) break
      const total = indexes.flatMap(({ segments }) => segments).reduce((bytes, { nodes }) => bytes + nodes.bytes, 0)
      const ahead = asked.reduce((bytes, read) => bytes + read, 0)
      expect(total).toBeGreaterThan(12_000_000)
      expect(ahead).toBeLessThan(8_000_000)
    } finally {
      world.heal()
    }
  })

  it('is asked for with the indexes of all its blocks', async () => {
    const reader = readerOf(world)
    const indexes = await indexesOf(reader, process, 0, 600)
    const withoutSecond = indexes.filter(({ block }) => block !== 1)
    for (const some of [indexes.slice(0, 2), indexes.slice(1), withoutSecond, []]) {
      await expect(all(reader.nodes(process, some, 0, 600, { showAnchor: false }))).rejects.toThrow('do not cover')
    }
  })
})

describe('what is not as it should be', () => {
  let world: RelayWorld
  let process: string
  beforeEach(async () => {
    world = new RelayWorld()
    process = await mixedProcess(world, 3)
    await buildAll(world, process)
  })

  const namesOf = async (block: number) => {
    const [index] = await indexesOf(readerOf(world), process, block * 256, block * 256)
    const [segment] = index?.segments ?? []
    if (segment === undefined) throw new Error('the block has no segments')
    return objectNames(process, segment)
  }

  /** What comes before it fails, which must be right, and what it fails with. */
  async function readUntilFailure(reader: SegmentReader, from: number, to: number) {
    const nodes: string[] = []
    const indexes = await indexesOf(reader, process, from, to)
    try {
      for await (const some of reader.nodes(process, indexes, from, to, { showAnchor: false }))
        nodes.push(...some.map(String))
    } catch (error) {
      expect(nodes).toEqual(await plainNodes(world, process, from, from + nodes.length - 1))
      return { count: nodes.length, error }
    }
    throw new Error('nothing was wrong')
  }

  const harm: [string, (bytes: Buffer, at: number) => Buffer][] = [
    ['altered', (bytes, at) => Object.assign(bytes, { [at]: (bytes[at] ?? 0) ^ 4 })],
    ['half there', (bytes, at) => bytes.subarray(0, at)],
    ['empty', () => Buffer.alloc(0)],
    ['another one', (bytes) => Buffer.from(bytes).reverse()],
    ['shifted', (bytes) => Buffer.concat([Buffer.from(' '), bytes])],
  ]

  it.each(harm)('is never served when it is %s, wherever, and is known by its block', async (_, change) => {
    const [nodes, bundle] = await namesOf(1)
    const length = (await world.objects.read(nodes, 0, 10_000_000))?.length ?? 0
    for (const at of [0, 5, Math.floor(length / 2), length - 1]) {
      world.objects.alter(nodes, (bytes) => change(bytes, at))
      const { count, error } = await readUntilFailure(readerOf(world), 0, 767)
      expect(error).toBeInstanceOf(DamagedSegment)
      expect(error).toMatchObject({ process, block: 1 })
      // All that came before the block, and nothing of it that was not checked.
      expect(count).toBeGreaterThanOrEqual(256)
      await build(world, process, 1, { again: true })
      expect(await readNodes(readerOf(world), process, 0, 767)).toEqual(await plainNodes(world, process, 0, 767))
    }
    const bundleLength = (await world.objects.read(bundle, 0, 10_000_000))?.length ?? 0
    for (const at of [0, 40, Math.floor(bundleLength / 2), bundleLength - 1]) {
      world.objects.alter(bundle, (bytes) => change(bytes, at))
      await expect(readBundle(readerOf(world), process, 200, 600)).rejects.toMatchObject({ process, block: 1 })
      await build(world, process, 1, { again: true })
    }
  })

  it('is damaged where an object is missing, and unavailable where the store does not answer', async () => {
    const [nodes, bundle] = await namesOf(2)
    world.objects.lose(nodes)
    world.objects.lose(bundle)
    expect(await readUntilFailure(readerOf(world), 0, 767)).toMatchObject({ count: 512, error: { block: 2 } })
    await expect(readBundle(readerOf(world), process, 600, 700)).rejects.toBeInstanceOf(DamagedSegment)
    world.objects.faults = {
      before: () => {
        throw new Error('down')
      },
    }
    expect(await readUntilFailure(readerOf(world), 0, 767)).toMatchObject({ count: 0, error: { code: 'unavailable' } })
  })

  it('is unavailable at once for a moment after a store did not answer', async () => {
    const reader = readerOf(world)
    await readNodes(reader, process, 0, 20)
    const begun = world.clock.now()
    let asked = 0
    world.objects.faults = {
      before: async () => {
        asked++
        await world.clock.sleep(3_000)
        throw new Error('slow')
      },
    }
    const attempt = () => world.clock.run(readUntilFailure(reader, 100, 120))
    for (let n = 0; n < 5; n++) expect(await attempt()).toMatchObject({ error: { code: 'unavailable' } })
    expect([asked, world.clock.now() - begun]).toEqual([1, 3_000])
    // What is in memory is served all the same.
    await readNodes(reader, process, 0, 20)
    world.heal()
    await world.clock.run(world.clock.sleep(2_000))
    expect(await readNodes(reader, process, 100, 120)).toEqual(await plainNodes(world, process, 100, 120))
  })

  it('does not count as packed where its index is altered, or of another version', async () => {
    world.indexes.alter(process, 1, (row) => Object.assign(row, { 200: (row[200] ?? 0) ^ 1 }))
    world.indexes.alter(process, 2, (row) => Object.assign(row, { 0: 99 }))
    const found = await readerOf(world).blocks(process, [0, 1, 2, 3])
    expect(found.map((index) => index?.block)).toEqual([0, undefined, undefined, undefined])
    expect(world.warnings).toMatchObject([{ damage: { process, block: 1 } }])
  })

  describe('is repaired', () => {
    const repairing = () => {
      const builder = createSegmentBuilder(world.packing)
      const repair = createSegmentRepair({ builder, heads: world.log, clock: world.clock, log: world.deps.log })
      return { repair, reader: createSegmentReader({ ...world.packing, damage: repair }) }
    }

    it('from the log, once', async () => {
      const [nodes, bundle] = await namesOf(1)
      const { repair, reader } = repairing()
      world.objects.lose(nodes)
      world.objects.alter(bundle, () => Buffer.from('spoilt'))
      const { error } = await readUntilFailure(reader, 0, 767)
      if (!(error instanceof DamagedSegment)) throw error
      let puts = 0
      world.indexes.faults = { before: ({ name }) => name === 'put' && puts++ }
      for (let n = 0; n < 10; n++) repair.report(error)
      await world.clock.run(repair.settle())
      repair.report(error)
      await world.clock.run(repair.settle())
      expect(puts).toBe(1)
      expect(await readNodes(reader, process, 0, 767)).toEqual(await plainNodes(world, process, 0, 767))
      expect((await all(verifySegments(world.packing, process, { mend: false }))).map(({ state }) => state)).toEqual([
        'sound',
        'sound',
        'sound',
      ])
    })

    it('also where the index is what is altered', async () => {
      const { repair, reader } = repairing()
      world.indexes.alter(process, 0, () => Buffer.from([1]))
      expect(await reader.blocks(process, [0])).toEqual([undefined])
      await world.clock.run(repair.settle())
      expect(await readNodes(reader, process, 0, 255)).toEqual(await plainNodes(world, process, 0, 255))
    })

    it('also blocks of an older version, one at a time, and none of a newer one', async () => {
      const { repair, reader } = repairing()
      const versions = () => [0, 1, 2].map((block) => world.indexes.rows.get(`${process}/${block}`)?.[0])
      const setVersion = (block: number, version: number) =>
        world.indexes.alter(process, block, (row) => Buffer.concat([Buffer.from([version]), row.subarray(1)]))
      for (const [block, version] of [RENDERING - 1, RENDERING - 1, RENDERING + 1].entries()) setVersion(block, version)
      expect(await reader.blocks(process, [0, 1, 2])).toEqual([undefined, undefined, undefined])
      await world.clock.run(repair.settle())
      expect(versions()).toEqual([RENDERING, RENDERING - 1, RENDERING + 1])
      await reader.blocks(process, [1, 2])
      await world.clock.run(repair.settle())
      expect(versions()).toEqual([RENDERING, RENDERING, RENDERING + 1])
      expect(await build(world, process, 2)).toEqual({ kind: 'there' })
      expect(await readNodes(reader, process, 0, 511)).toEqual(await plainNodes(world, process, 0, 511))
    })

    it('and forgets the index, which another instance may have packed otherwise', async () => {
      const { repair, reader } = repairing()
      const [nodes] = await namesOf(1)
      await indexesOf(reader, process, 256, 511)
      world.objects.lose(nodes)
      const { error } = await readUntilFailure(reader, 256, 511)
      expect(error).toBeInstanceOf(DamagedSegment)
      let reads = 0
      world.indexes.faults = { before: ({ name }) => name === 'get' && reads++ }
      await reader.blocks(process, [1])
      await reader.blocks(process, [1])
      expect(reads).toBe(1)
      await world.clock.run(repair.settle())
    })

    it('or not, where the log or the store does not answer, without a word to the reader', async () => {
      const { repair } = repairing()
      const damage = new DamagedSegment(process, 1, 'lost')
      world.objects.faults = {
        before: () => {
          throw new Error('down')
        },
      }
      repair.report(damage)
      repair.report(new DamagedSegment('unknown', 0, 'lost'))
      repair.report(new DamagedSegment(process, 99, 'lost'))
      await world.clock.run(repair.settle())
      expect(world.warnings.filter(({ message }) => message === 'The block could not be packed again.')).toHaveLength(1)
    })
  })
})

describe('verifying', () => {
  it('says of each block what it is, and mends what can be', async () => {
    const world = new RelayWorld()
    const process = await mixedProcess(world, 5)
    await buildAll(world, process)
    const verify = async (mend = false) =>
      (await all(verifySegments(world.packing, process, { mend }))).map(({ state }) => state)
    expect(await verify()).toEqual(['sound', 'sound', 'sound', 'sound', 'sound'])

    const [first, second] = (await indexesOf(readerOf(world), process, 0, 511)).map(
      ({ segments: [segment] }) => segment,
    )
    if (!first || !second) throw new Error('a block has no segments')
    world.objects.lose(objectNames(process, first)[1])
    world.objects.alter(objectNames(process, second)[0], (bytes) => Buffer.concat([bytes, Buffer.from('x')]))
    world.indexes.rows.delete(`${process}/2`)
    const record = world.log.held.records.get(`${process}/${4 * 256}`)
    if (!record) throw new Error('no record')
    world.log.held.records.set(`${process}/${4 * 256}`, { ...record, timestamp: 1 })
    expect(await verify()).toEqual(['damaged', 'damaged', 'missing', 'sound', 'unsound'])
    expect(await verify(true)).toEqual(['packed', 'packed', 'packed', 'sound', 'unsound'])
    expect(await verify()).toEqual(['sound', 'sound', 'sound', 'sound', 'unsound'])
    expect(headOf(world, process).next).toBe(5 * 256 + 10)
  })

  it('fails for a process that is not known', async () => {
    const world = new RelayWorld()
    await expect(all(verifySegments(world.packing, 'unknown', { mend: true }))).rejects.toMatchObject({
      code: 'not-found',
    })
  })
})
