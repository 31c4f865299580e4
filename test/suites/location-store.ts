/** What every store of the published location does. */
import { expect, it } from 'vitest'
import type { LocationStore } from '../../core/ports/location-store.ts'

export function locationStoreSuite(name: string, open: () => LocationStore): void {
  it(`location store: ${name}: keeps the item that was published last`, async () => {
    const store = open()
    expect(await store.published()).toBeUndefined()
    await store.publish(Buffer.from('first'))
    await store.publish(Buffer.from('second'))
    expect((await store.published())?.toString()).toBe('second')
  })
}
