/** What every store of segments does (core/ports/segment-store.ts), fake or real. */
import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import type { ObjectName, SegmentIndexes, SegmentObjects } from '../../core/ports/segment-store.ts'

const randomId = () => randomBytes(32).toString('base64url')

export const nameOf = (bytes: Buffer, process = randomId(), form: ObjectName['form'] = 'nodes'): ObjectName => ({
  process,
  first: 256,
  form,
  sha256: createHash('sha256').update(bytes).digest(),
})

export function segmentObjectsSuite(name: string, open: () => SegmentObjects): void {
  describe(`objects of segments: ${name}`, () => {
    it.each([1, 5_000, 4_000_000, 27_000_000])('gives any stretch of %i bytes back', async (length) => {
      const store = open()
      const bytes = randomBytes(length)
      const object = nameOf(bytes)
      await store.put(object, bytes)
      await store.put(object, bytes)
      expect((await store.read(object, 0, length))?.equals(bytes)).toBe(true)
      const [start, end] = [Math.floor(length / 3), Math.ceil((2 * length) / 3)]
      expect((await store.read(object, start, end))?.equals(bytes.subarray(start, end))).toBe(true)
    })

    it('ends where the object does', async () => {
      const store = open()
      const bytes = randomBytes(100)
      const object = nameOf(bytes)
      await store.put(object, bytes)
      expect((await store.read(object, 60, 500))?.equals(bytes.subarray(60))).toBe(true)
      expect(await store.read(object, 200, 500)).toHaveLength(0)
    })

    it('keeps objects apart by all of their name, and says which are not there', async () => {
      const store = open()
      const bytes = randomBytes(50)
      const object = nameOf(bytes)
      await store.put(object, bytes)
      const others: ObjectName[] = [
        { ...object, process: randomId() },
        { ...object, first: 512 },
        { ...object, form: 'bundle' },
        { ...object, sha256: randomBytes(32) },
      ]
      for (const other of others) expect(await store.read(other, 0, 50)).toBeUndefined()
      expect(await store.read(object, 0, 50)).toHaveLength(50)
    })
  })
}

export function segmentIndexesSuite(name: string, open: () => SegmentIndexes): void {
  describe(`indexes of segments: ${name}`, () => {
    it('gives the indexes back in the order asked, and says which are not there', async () => {
      const store = open()
      const [process, other] = [randomId(), randomId()]
      const rows = Array.from({ length: 150 }, (_, n) => randomBytes(100 + n))
      for (const [block, row] of rows.entries()) if (block % 3 !== 1) await store.put(process, block, row)
      await store.put(other, 1, randomBytes(10))
      const blocks = rows.map((_, block) => block).reverse()
      const wanted = blocks.map((block) => (block % 3 === 1 ? undefined : rows[block]))
      // A look may lack what was just written.
      await vi.waitFor(async () => expect(await store.get(process, blocks)).toEqual(wanted))
      expect(await store.get(process, [5, 5, 1])).toEqual([rows[5], rows[5], undefined])
      expect(await store.get(process, [])).toEqual([])
    })

    it('replaces one that is there', async () => {
      const store = open()
      const process = randomId()
      const [one, two] = [randomBytes(3_000), randomBytes(40_000)]
      for (const row of [one, one, two]) {
        await store.put(process, 7, row)
        await vi.waitFor(async () => expect(await store.get(process, [7])).toEqual([row]))
      }
    })
  })
}
