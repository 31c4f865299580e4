/** What every store of placements does (core/ports/placement-store.ts), whether fake or real. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import type { Placement, PlacementStore } from '../../core/ports/placement-store.ts'

const randomId = () => randomBytes(32).toString('base64url')
/** Of a unit that no other test knows: counts are of the whole store. */
const randomUnit = () => `https://su-${randomBytes(4).toString('hex')}.example.com:8443`

const placement = (unit: string, more: Partial<Placement> = {}): Placement => ({
  process: randomId(),
  unit,
  state: 'provisional',
  refusedBy: [],
  version: 1,
  at: 1_700_000_000_000,
  ...more,
})

export function placementStoreBehaviours(name: string, open: () => PlacementStore): void {
  const counted = async (...units: string[]) => {
    const counts = await open().counts()
    return units.map((unit) => counts.get(unit))
  }

  describe(`${name}, as a store of placements`, () => {
    it('keeps the first placement of a process, and says which one stands', async () => {
      const first = placement(randomUnit())
      expect(await open().read(first.process)).toBeUndefined()
      expect(await open().glance(first.process)).toBeUndefined()
      expect(await open().place(first)).toEqual(first)
      expect(await open().place({ ...first, unit: randomUnit() })).toEqual(first)
      expect(await open().read(first.process)).toEqual(first)
    })

    it('tells all that race for a process the same', async () => {
      const first = placement('')
      const units = Array.from({ length: 20 }, randomUnit)
      const told = await Promise.all(units.map((unit) => open().place({ ...first, unit })))
      const standing = await open().read(first.process)
      expect(new Set(told.map(({ unit }) => unit))).toEqual(new Set([standing?.unit]))
      const counts = await counted(...units)
      expect(counts.filter((count) => count !== undefined)).toEqual([1])
    })

    it('changes a placement if it is still the one that was read', async () => {
      const [a, b] = [randomUnit(), randomUnit()]
      const first = placement(a)
      await open().place(first)
      const refused = { ...first, refusedBy: [a], version: 2 }
      expect(await open().change(first, refused)).toEqual(refused)
      expect(await open().change(first, { ...first, state: 'settled', version: 2 })).toEqual(refused)
      const anew = { ...refused, unit: b, version: 3, at: first.at + 5 }
      expect(await open().change(refused, anew)).toEqual(anew)
      expect(await open().change(refused, { ...refused, state: 'settled', version: 3 })).toEqual(anew)
      const settled: Placement = { ...anew, state: 'settled', version: 4 }
      expect(await open().change(anew, settled)).toEqual(settled)
      expect(await open().read(first.process)).toEqual(settled)
      expect(await open().place(first)).toEqual(settled)
      await vi.waitFor(async () => expect(await open().glance(first.process)).toEqual(settled))
    })

    it('lets one of several changes happen', async () => {
      const first = placement(randomUnit())
      await open().place(first)
      const units = Array.from({ length: 10 }, randomUnit)
      const changes = units.map((unit): Placement => ({ ...first, unit, state: 'settled', version: 2 }))
      const told = await Promise.all(changes.map((change) => open().change(first, change)))
      const standing = await open().read(first.process)
      expect(changes).toContainEqual(standing)
      for (const answer of told) expect(answer).toEqual(standing)
      expect(await counted(first.unit, ...units)).toEqual([
        undefined,
        ...units.map((unit) => (unit === standing?.unit ? 1 : undefined)),
      ])
    })

    it('does not change what is not there', async () => {
      const never = placement(randomUnit())
      await expect(open().change(never, { ...never, version: 2 })).rejects.toMatchObject({ code: 'unavailable' })
      expect(await open().read(never.process)).toBeUndefined()
      expect(await counted(never.unit)).toEqual([undefined])
    })

    it('counts the processes of each unit, whatever they come by and go by', async () => {
      const [a, b, c] = [randomUnit(), randomUnit(), randomUnit()]
      const all = Array.from({ length: 45 }, (_, i) => placement(i % 3 === 0 ? a : b))
      await Promise.all(all.map((one) => open().place(one)))
      // Again, and where another one stands: nothing changes.
      await Promise.all(all.map((one) => open().place({ ...one, unit: c })))
      expect(await counted(a, b, c)).toEqual([15, 30, undefined])
      await Promise.all(all.map((one) => open().change(one, { ...one, state: 'settled', version: 2 })))
      expect(await counted(a, b, c)).toEqual([15, 30, undefined])
      const moved = all
        .filter(({ unit }) => unit === a)
        .map((one): Placement => ({ ...one, state: 'settled', version: 2 }))
      await Promise.all(moved.map((one) => open().change(one, { ...one, unit: c, version: 3 })))
      await Promise.all(moved.map((one) => open().change(one, { ...one, unit: b, version: 3 })))
      expect(await counted(a, b, c)).toEqual([undefined, 30, 15])
    })

    it('knows which units are dead, since they were first declared so', async () => {
      const [a, b] = [randomUnit(), randomUnit()]
      expect(await open().deadSince(a)).toBeUndefined()
      await open().declareDead(a, 1000)
      await open().declareDead(a, 2000)
      expect(await open().deadSince(a)).toBe(1000)
      expect(await open().deadSince(b)).toBeUndefined()
      const many = Array.from({ length: 100 }, randomUnit)
      expect(await open().deadAmong([...many, a, b])).toEqual(new Set([a]))
      expect(await open().deadAmong([])).toEqual(new Set())
      await open().declareDead(a, undefined)
      await open().declareDead(b, undefined)
      expect(await open().deadSince(a)).toBeUndefined()
      await open().declareDead(a, 3000)
      expect(await open().deadSince(a)).toBe(3000)
      // None of this is a process of theirs.
      expect(await counted(a, b)).toEqual([undefined, undefined])
    })
  })
}
