/** What every store of the network's height does. */
import { expect, it } from 'vitest'
import type { HeightStore } from '../../core/ports/network-height.ts'

export function heightStoreSuite(name: string, open: () => HeightStore): void {
  it(`height store: ${name}: replaces only the row that its writer read`, async () => {
    const store = open()
    const [first, second, third] = [100, 101, 102].map((height) => ({ height, at: height, since: height }))
    if (!first || !second || !third) throw new Error('three heights')
    expect(await store.read()).toBeUndefined()
    await store.replace(undefined, first)
    await store.replace(undefined, third)
    expect(await store.read()).toEqual(first)
    await store.replace(first, second)
    await store.replace(first, third)
    expect(await store.read()).toEqual(second)
    await store.replace(second, { ...second, at: 200 })
    expect(await store.read()).toEqual({ ...second, at: 200 })
  })
}
