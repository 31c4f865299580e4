import { deepHash } from 'arbundles'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blobHash, createBlobHasher, dataItemHash } from '../../../core/ans104/deep-hash.ts'
import { bytes } from './arbitraries.ts'

const fields = fc.record({
  signatureType: fc.integer({ min: 1, max: 7 }),
  owner: bytes(600),
  target: bytes(40),
  anchor: bytes(40),
  rawTags: bytes(1500),
})

describe('the deep hash of a data item', () => {
  it('is that of arbundles', async () => {
    await fc.assert(
      fc.asyncProperty(fields, bytes(3000), async (item, data) => {
        const { signatureType, owner, target, anchor, rawTags } = item
        const head = ['dataitem', '1', String(signatureType)].map((part) => Buffer.from(part))
        const theirs = await deepHash([...head, owner, target, anchor, rawTags, data])
        expect(dataItemHash(item, blobHash(data))).toEqual(Buffer.from(theirs))
      }),
    )
  })

  it('takes a blob in chunks of any size', () => {
    fc.assert(
      fc.property(fc.array(bytes(500), { maxLength: 8 }), (chunks) => {
        const hasher = createBlobHasher()
        for (const chunk of chunks) hasher.update(chunk)
        expect(hasher.digest()).toEqual(blobHash(Buffer.concat(chunks)))
      }),
    )
  })

  it('is right on both sides of the lengths whose tags are remembered, again and again', async () => {
    for (const length of [0, 1, 1023, 1024, 1025, 0, 1023, 1024, 1025, 1]) {
      expect(blobHash(Buffer.alloc(length))).toEqual(Buffer.from(await deepHash(Buffer.alloc(length))))
    }
  })
})
