/** What every store of the network's height does. */
import { expect, it } from 'vitest'
import type { HeightStore } from '../../core/ports/network-height.ts'

export function heightStoreSuite(name: string, open: () => HeightStore): void {
  it(`height store: ${name}: keeps the greatest height`, async () => {
    const store = open()
    expect(await store.read()).toBeUndefined()
    await store.write({ height: 100, at: 1 })
    await store.write({ height: 99, at: 2 })
    expect(await store.read()).toEqual({ height: 100, at: 1 })
    await store.write({ height: 100, at: 3 })
    await store.write({ height: 101, at: 4 })
    expect(await store.read()).toEqual({ height: 101, at: 4 })
  })
}
