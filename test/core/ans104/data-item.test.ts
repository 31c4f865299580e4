import { DataItem as ArbundlesItem, ArweaveSigner, createData, EthereumSigner } from 'arbundles'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assembleDataItem } from '../../../core/ans104/assemble.ts'
import { ownerAddress, parseDataItem } from '../../../core/ans104/data-item.ts'
import { signatureTypes } from '../../../core/ans104/signature-types.ts'
import { encodeTags } from '../../../core/ans104/tags.ts'
import { runs } from '../../effort.ts'
import { bytes, bytes32, itemContent, optional32, tags } from './arbitraries.ts'
import { overwritten, parsedOrRefused, recorded, recordedItem, recordedRaw, refusal, wallets } from './recorded.ts'

const signers = { arweave: new ArweaveSigner(wallets.alice), ethereum: new EthereumSigner(wallets.ethereum) }

/** Parts of an item of any type that can be laid out; its signature is random. */
const anyParts = fc
  .constantFrom(...signatureTypes)
  .chain(([signatureType, lengths]) =>
    fc.record({
      signatureType: fc.constant(signatureType),
      signature: fc.uint8Array({ minLength: lengths.signature, maxLength: lengths.signature }),
      owner: fc.uint8Array({ minLength: lengths.owner, maxLength: lengths.owner }),
      target: fc.oneof(fc.constant(Buffer.alloc(0)), bytes32),
      anchor: fc.oneof(fc.constant(Buffer.alloc(0)), bytes32),
      tags,
      data: bytes(300),
    }),
  )
  .map((parts) => ({ ...parts, signature: Buffer.from(parts.signature), owner: Buffer.from(parts.owner) }))

describe('a data item', () => {
  it('made by arbundles is read with the same fields', async () => {
    await fc.assert(
      fc.asyncProperty(
        itemContent,
        fc.constantFrom('arweave', 'ethereum'),
        async ({ target, anchor, tags, data }, kind) => {
          const signer = signers[kind]
          const theirs = createData(data, signer, {
            tags,
            ...(target && { target: target.toString('base64url') }),
            ...(anchor && { anchor: '-'.repeat(32) }),
          })
          // arbundles takes text for an anchor; here it may be any bytes.
          if (anchor) theirs.getRaw().set(anchor, 3 + theirs.signatureLength + theirs.ownerLength + (target ? 33 : 1))
          await theirs.sign(signer)
          const item = parseDataItem(theirs.getRaw())
          expect(item).toEqual({
            raw: theirs.getRaw(),
            id: theirs.id,
            signatureType: theirs.signatureType,
            signature: theirs.rawSignature,
            owner: theirs.rawOwner,
            target: theirs.rawTarget,
            anchor: theirs.rawAnchor,
            tagCount: tags.length,
            rawTags: theirs.rawTags,
            tags,
            data,
          })
          expect(assembleDataItem(item)).toEqual(theirs.getRaw())
        },
      ),
      { numRuns: runs(60, 20) },
    )
  })

  it('assembled here is read by arbundles with the same fields', () => {
    fc.assert(
      fc.property(anyParts, (parts) => {
        const theirs = new ArbundlesItem(assembleDataItem(parts))
        expect(theirs.signatureType).toBe(parts.signatureType)
        expect(theirs.rawSignature).toEqual(parts.signature)
        expect(theirs.rawOwner).toEqual(parts.owner)
        expect(theirs.rawTarget).toEqual(parts.target)
        expect(theirs.rawAnchor).toEqual(parts.anchor)
        expect(theirs.tags).toEqual(parts.tags)
        expect(theirs.rawData).toEqual(parts.data)
      }),
    )
  })

  it('of any type is read as the parts it was assembled from', () => {
    fc.assert(
      fc.property(anyParts, (parts) => {
        expect(parseDataItem(assembleDataItem(parts))).toMatchObject(parts)
      }),
    )
  })

  it('is a view, not a copy', () => {
    const raw = recordedRaw('procAnchor')
    const item = parseDataItem(raw)
    for (const view of [item.raw, item.signature, item.owner, item.target, item.anchor, item.rawTags, item.data]) {
      expect(view.buffer).toBe(raw.buffer)
    }
  })

  it('has the owner’s address', () => {
    expect(ownerAddress(recordedItem('msg1').owner)).toBe(recorded.addresses.alice)
    expect(ownerAddress(recordedItem('msg2').owner)).toBe(recorded.addresses.bob)
  })

  it('is read as recorded', () => {
    for (const [name, entry] of Object.entries(recorded.items)) {
      const item = parsedOrRefused(Buffer.from(entry.raw, 'base64url'))
      if (['msgTruncated', 'msgHeaderOnly', 'msgBadSigType'].includes(name)) {
        expect(item, name).toBeUndefined()
        continue
      }
      // Where the recorded item is spoiled, its id is not of these bytes.
      expect(item?.signatureType, name).toBe(entry.signatureType)
      expect(item?.owner.toString('base64url'), name).toBe(entry.owner)
      if (entry.valid) expect(item?.id, name).toBe(entry.id)
    }
    expect(recordedItem('msgBinary').data.toString('base64url')).toBe(recorded.items.msgBinary.data)
    expect(recordedItem('msgUtf8').tags.at(-1)).toEqual({ name: 'Tag-ż', value: '\u{1F680}' })
    expect(recordedItem('msgManyTags').tags).toHaveLength(106)
    expect(recordedItem('msgAnchorUtf8').anchor.toString()).toBe('0123456789abcdef0123456789abcdef')
  })
})

describe('assembling', () => {
  const parts = { signatureType: 3, signature: Buffer.alloc(65), owner: Buffer.alloc(65), tags: [] }

  it('takes absent and empty parts alike', () => {
    const none = Buffer.alloc(0)
    expect(assembleDataItem(parts)).toEqual(assembleDataItem({ ...parts, target: none, anchor: none, data: none }))
  })

  it('refuses parts of a wrong length', () => {
    expect(() => assembleDataItem({ ...parts, signatureType: 8 })).toThrow(refusal(/type 8/))
    expect(() => assembleDataItem({ ...parts, signature: Buffer.alloc(64) })).toThrow(refusal(/65 bytes/))
    expect(() => assembleDataItem({ ...parts, owner: Buffer.alloc(512) })).toThrow(refusal(/65 bytes|owner 65/))
    expect(() => assembleDataItem({ ...parts, target: Buffer.alloc(31) })).toThrow(refusal(/target/))
    expect(() => assembleDataItem({ ...parts, anchor: Buffer.alloc(33) })).toThrow(refusal(/anchor/))
  })
})

describe('hostile bytes', () => {
  // The header of an Ethereum item with target and anchor: where each part begins.
  const at = { target: 132, anchor: 165, count: 198, length: 206, tags: 214 }
  const whole = assembleDataItem({
    signatureType: 3,
    signature: Buffer.alloc(65, 1),
    owner: Buffer.alloc(65, 2),
    target: Buffer.alloc(32, 3),
    anchor: Buffer.alloc(32, 4),
    tags: [
      { name: 'Type', value: 'Message' },
      { name: 'ż', value: '' },
    ],
    data: Buffer.from('data'),
  })
  const dataStart = whole.length - 4
  const uint64 = (number: bigint) => {
    const field = Buffer.alloc(8)
    field.writeBigUInt64LE(number)
    return field
  }

  it('are refused wherever they are cut before the data', () => {
    for (let length = 0; length < dataStart; length++) {
      expect(() => parseDataItem(whole.subarray(0, length)), `${length} bytes`).toThrow(refusal(/./))
    }
    for (let length = dataStart; length <= whole.length; length++) {
      expect(parseDataItem(whole.subarray(0, length)).data).toHaveLength(length - dataStart)
    }
  })

  it('are refused wherever they are padded before the data', () => {
    for (let position = 0; position < dataStart; position++) {
      const padded = Buffer.concat([whole.subarray(0, position), Buffer.alloc(1), whole.subarray(position)])
      const item = parsedOrRefused(padded)
      if (item) expect(assembleDataItem(item), `padded at ${position}`).toEqual(padded)
    }
  })

  it('are refused with a presence byte that is neither 0 nor 1', () => {
    for (const presence of [2, 3, 0x80, 0xff]) {
      expect(() => parseDataItem(overwritten(whole, at.target, [presence]))).toThrow(refusal(/target/))
      expect(() => parseDataItem(overwritten(whole, at.anchor, [presence]))).toThrow(refusal(/anchor/))
    }
  })

  it('are refused with an unknown signature type', () => {
    for (const type of [
      [0, 0],
      [8, 0],
      [99, 0],
      [1, 1],
      [3, 255],
      [255, 255],
    ]) {
      expect(() => parseDataItem(overwritten(whole, 0, type))).toThrow(refusal(/Signature type \d+ is not known/))
    }
  })

  it('are refused with counts and lengths of tags that do not fit', () => {
    const counts = [0n, 1n, 3n, 2n ** 31n, 2n ** 32n, 2n ** 32n + 2n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]
    for (const count of counts) {
      expect(() => parseDataItem(overwritten(whole, at.count, uint64(count))), `count ${count}`).toThrow(
        refusal(/tags/),
      )
    }
    const length = BigInt(dataStart - at.tags)
    const lengths = [0n, 1n, length - 1n, length + 1n, 2n ** 32n + length, 2n ** 53n + length, 2n ** 64n - 1n]
    for (const wrong of lengths) {
      expect(() => parseDataItem(overwritten(whole, at.length, uint64(wrong))), `length ${wrong}`).toThrow(
        refusal(/tags/),
      )
    }
  })

  it('of any kind are refused or are exactly what would be written here', () => {
    const check = (candidate: Buffer) => {
      const item = parsedOrRefused(candidate)
      if (item) expect(assembleDataItem(item).equals(candidate)).toBe(true)
    }
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const byte = Math.floor(bit / 8)
      check(overwritten(whole, byte, [whole.readUInt8(byte) ^ (1 << (bit % 8))]))
    }
    fc.assert(fc.property(bytes(2000), check))
    const typed = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.uint8Array({ minLength: 100, maxLength: 3500 }))
    fc.assert(fc.property(typed, ([type, rest]) => check(Buffer.from([type, 0, ...rest]))))
    const edit = fc.record({ position: fc.nat(whole.length), cut: fc.nat(4), put: bytes(4) })
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        check(
          edits.reduce(
            (now, { position, cut, put }) =>
              Buffer.concat([now.subarray(0, position), put, now.subarray(position + cut)]),
            whole,
          ),
        )
      }),
      { numRuns: runs(3_000, 1_000) },
    )
  })

  it('that are as large as a body can be are read in time that fits their size', () => {
    const count = 2_000_000
    const rawTags = encodeTags(Array.from({ length: count }, () => ({ name: '', value: '' })))
    const counts = Buffer.concat([uint64(BigInt(count)), uint64(BigInt(rawTags.length))])
    const large = Buffer.concat([whole.subarray(0, at.count), counts, rawTags])
    expect(parseDataItem(large).tags).toHaveLength(count)
    expect(() => parseDataItem(overwritten(large, large.length - 1, [1]))).toThrow(refusal(/do not end/))
    expect(() => parseDataItem(Buffer.concat([large.subarray(0, at.tags), Buffer.alloc(4_000_000, 0xff)]))).toThrow(
      refusal(/tags/),
    )
  })
})

describe('optional parts', () => {
  it('are 32 bytes or none', () => {
    fc.assert(
      fc.property(optional32, optional32, (target, anchor) => {
        const parts = { signatureType: 2, signature: Buffer.alloc(64), owner: Buffer.alloc(32), tags: [] }
        const item = parseDataItem(assembleDataItem({ ...parts, ...(target && { target }), ...(anchor && { anchor }) }))
        expect(item.target).toEqual(target ?? Buffer.alloc(0))
        expect(item.anchor).toEqual(anchor ?? Buffer.alloc(0))
      }),
    )
  })
})
