/** What every store of the log's identity does. */
import { expect, it } from 'vitest'
import type { LogIdentityStore } from '../../core/ports/log-identity.ts'

export function logIdentitySuite(name: string, open: () => LogIdentityStore): void {
  it(`log identity: ${name}: is begun once and never changed`, async () => {
    const store = open()
    const owner = Buffer.alloc(512, 7)
    const tables = await store.actualTables()
    expect(tables).not.toBe('')
    expect(await store.actualTables()).toBe(tables)
    expect(await store.recorded()).toBeUndefined()
    expect(await store.begin({ wallet: 'w', owner, tables })).toBe(true)
    expect(await store.begin({ wallet: 'other', owner, tables })).toBe(false)
    expect(await store.recorded()).toEqual({ wallet: 'w', owner, tables })
  })
}
