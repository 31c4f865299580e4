/** What every store of the log's identity does. */
import { expect, it } from 'vitest'
import type { LogIdentityStore } from '../../core/ports/log-identity.ts'

export function logIdentitySuite(name: string, open: () => LogIdentityStore): void {
  it(`log identity: ${name}: is begun once, and taken over on purpose only`, async () => {
    const store = open()
    const owner = Buffer.alloc(512, 7)
    const tables = await store.actualTables()
    expect(tables).not.toBe('')
    expect(await store.actualTables()).toBe(tables)
    expect(await store.recorded()).toBeUndefined()
    const begun = { wallet: 'w', owner, tables, generation: 1_700_000_000_000 }
    expect(await store.begin(begun)).toBe(true)
    expect(await store.begin({ ...begun, wallet: 'other' })).toBe(false)
    expect(await store.recorded()).toEqual(begun)

    // Taken over by who knows what stands, all of it or not at all, and as often as one likes.
    const taken = { ...begun, tables: 'others', generation: 1_800_000_000_000 }
    expect(await store.takeOver({ ...begun, tables: 'unknown' }, taken)).toBe(false)
    expect(await store.takeOver(undefined, taken)).toBe(false)
    expect(await store.recorded()).toEqual(begun)
    expect(await Promise.all([1, 2, 3].map(() => store.takeOver(begun, taken)))).toEqual([true, true, true])
    expect(await store.recorded()).toEqual(taken)
    expect(await store.takeOver(begun, { ...begun, tables: 'third' })).toBe(false)
    expect(await store.takeOver(taken, begun)).toBe(true)
    expect(await store.begin(taken)).toBe(false)
  })
}
