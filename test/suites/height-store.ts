/** What every store of the network's height does. */
import { expect, it, vi } from 'vitest'
import type { HeightStore, KnownHeight } from '../../core/ports/network-height.ts'

export function heightStoreSuite(name: string, open: () => HeightStore): void {
  it(`height store: ${name}: replaces only the row that its writer read`, async () => {
    const store = open()
    const [first, second, third] = [100, 101, 102].map((height) => ({ height, at: height, since: height }))
    if (!first || !second || !third) throw new Error('three heights')
    // A look may lack what was just written.
    const shows = (height: KnownHeight) => vi.waitFor(async () => expect(await store.read()).toEqual(height))
    expect(await store.read()).toBeUndefined()
    await store.replace(undefined, first)
    await store.replace(undefined, third)
    await shows(first)
    await store.replace(first, second)
    await store.replace(first, third)
    await shows(second)
    await store.replace(second, { ...second, at: 200 })
    await shows({ ...second, at: 200 })
  })
}
