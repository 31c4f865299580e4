/** What a block is packed into: cut by bytes alone, the same bytes whoever does it, bundles that other tools open. */
import { createHash, randomBytes } from 'node:crypto'
import { Bundle } from 'arbundles'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { assembleDataItem } from '../../../core/ans104/assemble.ts'
import { parseBundle } from '../../../core/ans104/bundle.ts'
import type { LogRecord } from '../../../core/log/record.ts'
import type { BlockIndex } from '../../../core/ports/segment-store.ts'
import { assignmentText, itemText, nodeText, RENDERING } from '../../../core/read/render.ts'
import { readWhole, type WholeRecord } from '../../../core/relay/batch.ts'
import { packBlock } from '../../../core/segments/build.ts'
import { MAX_SEGMENT_BYTES } from '../../../core/segments/cut.ts'
import { frameBytes, frameOf, nodeAt } from '../../../core/segments/frame.ts'
import { decodeIndex, encodeIndex } from '../../../core/segments/index-row.ts'
import type { PackedSegment } from '../../../core/segments/pack.ts'
import { RelayWorld } from '../relay/world.ts'
import { headOf, mixedProcess } from './packed.ts'

let world: RelayWorld
beforeEach(() => {
  world = new RelayWorld()
})

async function pack(
  process: string,
  block: number,
  of = world,
): Promise<{ index: BlockIndex; segments: PackedSegment[] }> {
  const segments: PackedSegment[] = []
  const packed = await packBlock(of.packing, headOf(of, process), block, async (segment) => {
    segments.push(segment)
  })
  if ('faults' in packed) throw new Error(JSON.stringify(packed.faults))
  return { index: packed.index, segments }
}

describe('a frame', () => {
  const signature = randomBytes(512)
  const owner = randomBytes(512)
  const anchors = fc.oneof(
    fc.constant(Buffer.alloc(0)),
    fc.constant(Buffer.from('a text of exactly thirty-two by.')),
    fc.constant(Buffer.from('"anchor":null","anchor":null\\\\\\\\')),
    fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
  )
  const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"anchor":null', '"anchor":null,"target":""}}'))

  it('holds the node of either form, whatever the record', () => {
    fc.assert(
      fc.property(anchors, texts, texts, fc.boolean(), fc.boolean(), (anchor, name, data, old, transaction) => {
        const tags = [{ name: `${name}x`, value: data }]
        const message = assembleDataItem({ signatureType: 1, signature, owner, tags, anchor, data: Buffer.from(data) })
        const assignment = assembleDataItem({
          signatureType: 1,
          signature,
          owner,
          anchor,
          tags,
          ...(old && { data: Buffer.from(`x${data}`) }),
        })
        const id = 'i'.repeat(43)
        const record: LogRecord = {
          process: 'p',
          nonce: 3,
          kind: transaction ? 'transaction' : 'message',
          assignment,
          ...(!transaction && { item: { id, raw: message } }),
          id,
          timestamp: 1,
          timeKey: 1,
          blockHeight: 1,
        }
        const whole: WholeRecord = transaction ? record : { ...record, rawItem: message }
        const { frame, bytes, bytesWithAnchor } = frameOf(whole)
        const indexed = { nonce: 3, timeKey: 1, bytes, bytesWithAnchor, items: 2 } as const
        const [before, after] = [randomBytes(7), randomBytes(9)]
        const object = Buffer.concat([before, frame, after])
        for (const showAnchor of [false, true]) {
          const plain = nodeText(itemText(whole, whole.rawItem), assignmentText(record, { showAnchor }))
          expect(nodeAt(object, 7, indexed, showAnchor)?.toString()).toBe(plain)
          expect(Buffer.byteLength(plain)).toBe(showAnchor ? bytesWithAnchor : bytes)
        }
        expect(frameBytes(indexed)).toBe(frame.length)
        expect(nodeAt(object, 7, { ...indexed, bytes: bytes + 1 }, false)).toBeUndefined()
        expect(nodeAt(frame.subarray(0, -1), 0, indexed, false)).toBeUndefined()
      }),
    )
  })
})

describe('a block', () => {
  it('has every nonce once, in order, in segments side by side', async () => {
    const process = await mixedProcess(world, 2)
    for (const block of [0, 1]) {
      const { index, segments } = await pack(process, block)
      const nonces = Array.from({ length: 256 }, (_, n) => block * 256 + n)
      expect(index.records.map(({ nonce }) => nonce)).toEqual(nonces)
      expect(index.segments).toEqual(segments.map(({ segment }) => segment))
      expect(index.segments.flatMap(({ first, last }) => nonces.slice(first % 256, (last % 256) + 1))).toEqual(nonces)
      expect(index.records.map(({ timeKey }) => timeKey)).toEqual(
        nonces.map((nonce) => world.recordsOf(process)[nonce]?.timeKey),
      )
    }
  })

  it('is the same bytes whoever packs it, whatever is read at once', async () => {
    const process = await mixedProcess(world, 1)
    const one = await pack(process, 0)
    world.blobs.faults = { before: () => world.clock.sleep(world.clock.random() * 1000) }
    const other = await world.clock.run(pack(process, 0))
    expect(other.segments).toEqual(one.segments)
    expect(encodeIndex(process, other.index)).toEqual(encodeIndex(process, one.index))
  })

  it('names objects and parts by what they are', async () => {
    const process = await mixedProcess(world, 1)
    const { segments } = await pack(process, 0)
    const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest()
    for (const { segment, nodes, bundle } of segments) {
      for (const [packed, bytes] of [
        [segment.nodes, nodes],
        [segment.bundle, bundle],
      ] as const) {
        expect([packed.sha256, packed.bytes]).toEqual([digest(bytes), bytes.length])
        let start = 0
        for (const part of packed.parts) {
          expect(part.sha256).toEqual(digest(bytes.subarray(start, start + part.bytes)))
          start += part.bytes
        }
        expect(start).toBe(bytes.length)
      }
    }
  })

  it('is cut by rendered bytes, and a record beyond that is a segment by itself', async () => {
    const process = await world.spawn(0)
    await world.grow(process, 100)
    // NULs render to six bytes each.
    await world.grow(process, 1, { body: 'blob', data: 4_500_000, fill: 0 })
    await world.grow(process, 20, { body: 'blob', data: 300_000 })
    await world.grow(process, 140)
    const { index, segments } = await pack(process, 0)
    const sizes = segments.map(({ nodes, segment }) => ({
      count: segment.last - segment.first + 1,
      bytes: nodes.length,
    }))
    const [before, alone, ...rest] = sizes
    expect(before?.count).toBe(101)
    expect(alone?.count).toBe(1)
    expect(alone?.bytes).toBeGreaterThan(27_000_000)
    expect(rest.length).toBeGreaterThan(1)
    for (const { bytes } of rest) expect(bytes).toBeLessThanOrEqual(MAX_SEGMENT_BYTES)
    // Each is as full as it can be.
    for (const [at, { nodes }] of segments.entries()) {
      const next = segments[at + 1]?.segment.first
      const following = next === undefined ? undefined : index.records[next]
      if (following) expect(nodes.length + frameBytes(following)).toBeGreaterThan(MAX_SEGMENT_BYTES)
    }
  })

  it('has a bundle of what was signed, which other tools open', async () => {
    const process = await mixedProcess(world, 1)
    const { segments } = await pack(process, 0)
    for (const { segment, bundle } of segments) {
      const wanted: Buffer[] = []
      for (const record of world.recordsOf(process).slice(segment.first, segment.last + 1)) {
        const { assignment, rawItem } = await readWhole(world.deps, record)
        if (assignment) wanted.push(assignment)
        if (rawItem) wanted.push(rawItem)
      }
      expect(parseBundle(bundle).map(({ raw }) => raw.toString('hex'))).toEqual(
        wanted.map((raw) => raw.toString('hex')),
      )
      const opened = new Bundle(bundle)
      expect(opened.length).toBe(wanted.length)
      expect(opened.items.map((item) => item.getRaw().equals(wanted.shift() ?? Buffer.alloc(0)))).not.toContain(false)
    }
  })
})

describe('an index', () => {
  it('comes back as it was written, in few bytes', async () => {
    const process = await mixedProcess(world, 2)
    for (const block of [0, 1]) {
      const { index } = await pack(process, block)
      const row = encodeIndex(process, index)
      expect(row.length).toBeLessThan(4_000)
      expect(decodeIndex(process, block, row)).toEqual(index)
    }
  })

  it('is good for its block alone, and for nothing that was changed', async () => {
    const process = await mixedProcess(world, 1)
    const row = encodeIndex(process, (await pack(process, 0)).index)
    expect(decodeIndex(process, 1, row)).toBe('altered')
    expect(decodeIndex('another', 0, row)).toBe('altered')
    expect(decodeIndex(process, 0, Buffer.concat([Buffer.from([RENDERING + 1]), row.subarray(1)]))).toBe('newer')
    expect(decodeIndex(process, 0, Buffer.concat([Buffer.from([RENDERING - 1]), row.subarray(1)]))).toBe('older')
    for (let at = 1; at < row.length; at++) {
      const changed = Buffer.from(row)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      expect(decodeIndex(process, 0, changed)).toBe('altered')
    }
    for (const length of [0, 1, 10, 17, 100, row.length - 1]) {
      expect(typeof decodeIndex(process, 0, row.subarray(0, length))).toBe('string')
    }
  })
})
