/** What an instance keeps of segments stays within its bounds, whatever is read, and is what was read. */
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { ObjectPart } from '../../../core/ports/segment-store.ts'
import { createPartMemory } from '../../../core/segments/part-memory.ts'

const read = (lengths: readonly number[]) => {
  const bytes = randomBytes(lengths.reduce((sum, length) => sum + length, 0))
  const startOf = (at: number) => lengths.slice(0, at).reduce((sum, length) => sum + length, 0)
  const views = lengths.map((length, at) => bytes.subarray(startOf(at), startOf(at) + length))
  return { bytes, views, parts: views.map((view): ObjectPart => ({ bytes: view.length, sha256: randomBytes(32) })) }
}

it('holds the latest reads as wholes, and no more bytes than it may', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(fc.array(lengths, { minLength: 1, maxLength: 40 }), (all) => {
      const memory = createPartMemory(20_000)
      const reads = all.map(read)
      for (const { bytes, parts, views } of reads) memory.remember(bytes.length, parts, views)
      const held = reads.filter(({ parts, views }) => {
        const there = parts.map((part) => memory.recall(part))
        expect(new Set(there.map((view) => view === undefined)).size).toBe(1)
        if (there[0]) expect(there).toEqual(views)
        return there[0] !== undefined
      })
      expect(held.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThanOrEqual(20_000)
      expect(held).toContain(reads.at(-1))
    }),
  )
})

it('keeps what is asked for, and gives up what is not', () => {
  const memory = createPartMemory(10_000)
  const [wanted, ...others] = Array.from({ length: 20 }, () => read([1_000]))
  if (!wanted) throw new Error('no reads')
  memory.remember(1_000, wanted.parts, wanted.views)
  for (const { parts, views } of others) {
    memory.remember(1_000, parts, views)
    expect(memory.recall(wanted.parts[0] as ObjectPart)).toBe(wanted.views[0])
  }
  expect(others.filter(({ parts }) => memory.recall(parts[0] as ObjectPart)).length).toBeLessThan(9)
})

it('is not emptied by one read that is larger than all others', () => {
  const memory = createPartMemory(10_000)
  const small = read([1_000])
  memory.remember(1_000, small.parts, small.views)
  const large = read([9_000])
  memory.remember(9_000, large.parts, large.views)
  expect(memory.recall(large.parts[0] as ObjectPart)).toBeUndefined()
  expect(memory.recall(small.parts[0] as ObjectPart)).toBe(small.views[0])
})

it('of a part that came twice holds the later, when the earlier is given up', () => {
  const memory = createPartMemory(4_000)
  const { parts, views } = read([500])
  memory.remember(500, parts, views)
  memory.remember(500, parts, views)
  for (let n = 0; n < 3; n++) {
    const { parts: other, views: bytes } = read([700])
    memory.remember(700, other, bytes)
  }
  expect(memory.recall(parts[0] as ObjectPart)).toBe(views[0])
})
