/** What every blob store does, and whoever inspects one. */
import { createHash, randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { BlobRef, BlobStore } from '../../core/ports/blob-store.ts'
import type { BodyInspection } from '../../core/ports/log-inspection.ts'

export const blobOf = (raw: Buffer, id = randomBytes(32).toString('base64url')): BlobRef => ({
  id,
  sha256: createHash('sha256').update(raw).digest(),
  bytes: raw.length,
})

export interface BlobStoreUnderTest {
  store: BlobStore
  inspection: BodyInspection
  /** Changes what is kept behind the store's back. */
  spoil(ref: BlobRef): Promise<void>
}

export function blobStoreSuite(name: string, open: () => BlobStoreUnderTest): void {
  describe(`blob store: ${name}`, () => {
    it.each([1, 5_000, 4_600_000])('gives %i bytes back as they were put, however often', async (length) => {
      const { store } = open()
      const raw = randomBytes(length)
      const ref = blobOf(raw)
      await store.put(ref, raw)
      await store.put(ref, raw)
      expect((await store.get(ref)).equals(raw)).toBe(true)
    })

    it('says that it can be reached', async () => {
      await open().store.check()
    })

    it('keeps two items of the same id apart', async () => {
      const { store } = open()
      const id = randomBytes(32).toString('base64url')
      const [one, two] = [Buffer.from('the item'), Buffer.from('another one, of the same signature')]
      await store.put(blobOf(one, id), one)
      await store.put(blobOf(two, id), two)
      expect((await store.get(blobOf(one, id))).equals(one)).toBe(true)
    })

    it('has no answer for what is missing or altered but unavailable', async () => {
      const { store, spoil } = open()
      const raw = randomBytes(100)
      const ref = blobOf(raw)
      await expect(store.get(ref)).rejects.toMatchObject({ code: 'unavailable' })
      await store.put(ref, raw)
      await spoil(ref)
      await expect(store.get(ref)).rejects.toMatchObject({ code: 'unavailable' })
    })

    it('tells an inspection what is missing and what is altered', async () => {
      const { store, inspection, spoil } = open()
      const raw = randomBytes(100)
      const ref = blobOf(raw)
      expect(await inspection.body(ref)).toEqual({ damage: 'missing' })
      await store.put(ref, raw)
      expect(await inspection.body(ref)).toEqual(raw)
      await spoil(ref)
      expect(await inspection.body(ref)).toEqual({ damage: 'unreadable' })
    })
  })
}
