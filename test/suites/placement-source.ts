/** What every source of another router's placements does. */
import { describe, expect, it } from 'vitest'
import type { PlacedElsewhere, PlacementSource } from '../../core/ports/placement-source.ts'

/** Rows with a gap, one without a unit, and one that names no process. */
export const suiteRows: readonly PlacedElsewhere[] = [
  { row: 1, process: 'PjrvNRkncTzZN2M0Msx56nR24O0din8sAXBZhVQCDZU', unit: 'http://one.example' },
  { row: 2, process: 'e-iObRYAe8HqWx0k0PaDy7b4z3vvBUgef3KXnFGue7M', unit: 'http://two.example/' },
  { row: 7, process: 'UnNVipODGWfbF9Ws5jTqV_kEu432yehn5P79NLnc_Eo', unit: undefined },
  { row: 8, process: '', unit: 'http://one.example' },
  { row: 9, process: "it's no id; -- \u{1f600}", unit: 'http://two.example/' },
]

/** All batches that a source has after a row. */
export async function all(source: PlacementSource, row: number): Promise<(readonly PlacedElsewhere[])[]> {
  const batches: (readonly PlacedElsewhere[])[] = []
  for await (const batch of source.after(row)) batches.push(batch)
  return batches
}

/** @param open a source of `suiteRows`, which gives two rows at once, and what makes it unreachable */
export function placementSourceSuite(
  name: string,
  open: () => Promise<{ source: PlacementSource; takeAway(): Promise<void> }>,
): void {
  describe(`placement source: ${name}`, () => {
    it('gives every row once, in order, as it stands, a batch at a time', async () => {
      const { source } = await open()
      const batches = await all(source, 0)
      expect(batches.flat()).toEqual(suiteRows)
      expect(batches.map((batch) => batch.length)).toEqual([2, 2, 1])
    })

    it('goes on after a row, also after one that is not there', async () => {
      const { source } = await open()
      expect((await all(source, 2)).flat()).toEqual(suiteRows.slice(2))
      expect((await all(source, 5)).flat()).toEqual(suiteRows.slice(2))
      expect(await all(source, 9)).toEqual([])
      expect(await all(source, 2_000_000_000)).toEqual([])
    })

    it('is read again, and by several', async () => {
      const { source } = await open()
      const [one, other] = await Promise.all([all(source, 0), all(source, 0)])
      expect(one).toEqual(other)
      expect(await all(source, 0)).toEqual(one)
    })

    it('may be left before its end', async () => {
      const { source } = await open()
      for await (const _ of source.after(0)) break
      expect((await all(source, 0)).flat()).toEqual(suiteRows)
    })

    it('is unavailable where it does not answer, which is not an end', async () => {
      const { source, takeAway } = await open()
      const reading = source.after(0)[Symbol.asyncIterator]()
      await reading.next()
      await takeAway()
      await expect(reading.next()).rejects.toMatchObject({ code: 'unavailable' })
      await expect(all(source, 0)).rejects.toMatchObject({ code: 'unavailable' })
    })
  })
}
