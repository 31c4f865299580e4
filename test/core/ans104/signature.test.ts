import { constants, createPrivateKey, sign } from 'node:crypto'
import { ArweaveSigner, createData, EthereumSigner } from 'arbundles'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assembleDataItem } from '../../../core/ans104/assemble.ts'
import { type DataItem, parseDataItem } from '../../../core/ans104/data-item.ts'
import {
  defaultSignatureTypes,
  openSigned,
  signatureMessage,
  verifiableTypes,
  verifySignature,
} from '../../../core/ans104/signature.ts'
import { runs } from '../../effort.ts'
import { itemContent } from './arbitraries.ts'
import { overwritten, parsedOrRefused, recorded, recordedItem, recordedRaw, refusal, wallets } from './recorded.ts'

const reassembled = (item: DataItem, parts: Partial<DataItem>) => parseDataItem(assembleDataItem({ ...item, ...parts }))

/** Numbers of signatures, big-endian, for arithmetic on them. */
const toNumber = (bytes: Buffer) => BigInt(`0x${bytes.toString('hex')}`)
const toBytes = (number: bigint, length: number) => Buffer.from(number.toString(16).padStart(length * 2, '0'), 'hex')

describe('a signature', () => {
  it('is judged as recorded', async () => {
    for (const [name, entry] of Object.entries(recorded.items)) {
      const item = parsedOrRefused(Buffer.from(entry.raw, 'base64url'))
      if (!item) continue
      if (defaultSignatureTypes.includes(entry.signatureType)) {
        expect(await verifySignature(item), name).toBe(entry.valid)
      } else {
        await expect(verifySignature(item), name).rejects.toThrow(refusal(/type \d \(.+\) is not taken here/))
      }
    }
  })

  it('comes before anything of an item is decoded: whatever its tags are, an unsigned item is not signed', async () => {
    const unsigned = refusal(/The signature does not verify/)
    const { signatureType, signature, owner, target, anchor, data } = recordedItem('msg1')
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), fc.nat(), async (rawTags, count) => {
        const counts = Buffer.alloc(16)
        counts.writeUIntLE(count, 0, 6)
        counts.writeUIntLE(rawTags.length, 8, 6)
        const optional = (field: Buffer) => Buffer.from([field.length === 0 ? 0 : 1, ...field])
        const type = Buffer.from([signatureType, 0])
        const raw = Buffer.concat([type, signature, owner, optional(target), optional(anchor), counts, rawTags, data])
        await expect(openSigned(raw)).rejects.toThrow(unsigned)
      }),
      { numRuns: runs(300, 50) },
    )
    expect(await openSigned(recordedRaw('msg1'))).toEqual(recordedItem('msg1'))
  })

  it('by arbundles is right', async () => {
    const signers = { arweave: new ArweaveSigner(wallets.bob), ethereum: new EthereumSigner(wallets.ethereum) }
    await fc.assert(
      fc.asyncProperty(itemContent, fc.constantFrom('arweave', 'ethereum'), async ({ tags, data }, kind) => {
        const theirs = createData(data, signers[kind], { tags })
        await theirs.sign(signers[kind])
        const item = parseDataItem(theirs.getRaw())
        expect(signatureMessage(item)).toEqual(Buffer.from(await theirs.getSignatureData()))
        expect(await verifySignature(item)).toBe(true)
      }),
      { numRuns: runs(40, 15) },
    )
  })

  it.each(['msgEmptyData', 'msgEth'] as const)('is wrong after any bit of the item is flipped (%s)', async (name) => {
    const raw = recordedRaw(name)
    // Ethereum's takes a millisecond each: one bit a byte, all of them in turn.
    const step = name === 'msgEth' ? 9 : 1
    for (let bit = 0; bit < raw.length * 8; bit += step) {
      const byte = Math.floor(bit / 8)
      const item = parsedOrRefused(overwritten(raw, byte, [raw.readUInt8(byte) ^ (1 << (bit % 8))]))
      if (!item) continue
      const verdict = verifySignature(item)
      if (defaultSignatureTypes.includes(item.signatureType)) expect(await verdict, `bit ${bit}`).toBe(false)
      else await expect(verdict).rejects.toThrow(refusal(/not taken here/))
    }
  })

  it('of random bytes is wrong, and never an error', async () => {
    const random = (length: number) =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array))
    const item = recordedItem('procSolana')
    for (const [type, signature, owner] of [
      [1, 512, 512],
      [2, 64, 32],
      [3, 65, 65],
      [4, 64, 32],
    ] as const) {
      await fc.assert(
        fc.asyncProperty(random(signature), random(owner), async (signature, owner) => {
          if (type === 3) signature[64] = 27
          if (type === 3) owner[0] = 4
          const candidate = reassembled(item, { signatureType: type, signature, owner })
          expect(await verifySignature(candidate, { types: verifiableTypes })).toBe(false)
        }),
        { numRuns: runs(50, 25) },
      )
    }
  })

  it('of a type that is not enabled is refused by name, however right it is', async () => {
    await expect(verifySignature(recordedItem('procSolana'))).rejects.toThrow(refusal(/type 2 \(Ed25519\)/))
    await expect(verifySignature(recordedItem('msgSolanaHex'))).rejects.toThrow(refusal(/type 4 \(Solana\)/))
    await expect(verifySignature(recordedItem('msg1'), { types: [3] })).rejects.toThrow(refusal(/type 1 \(Arweave\)/))
    await expect(verifySignature(recordedItem('msgEth'), { types: [1] })).rejects.toThrow(
      refusal(/type 3 \(Ethereum\)/),
    )
  })

  it('of a type that no library here verifies is refused even where it is enabled', async () => {
    const types = [1, 2, 3, 4, 5, 6, 7]
    await expect(verifySignature(recordedItem('procTypedEth'), { types })).rejects.toThrow(refusal(/type 7/))
    const empty = { signatureType: 6, signature: Buffer.alloc(2052), owner: Buffer.alloc(1025), tags: [] }
    await expect(verifySignature(parseDataItem(assembleDataItem(empty)), { types })).rejects.toThrow(refusal(/type 6/))
  })
})

describe('an Arweave signature', () => {
  const item = recordedItem('msg1')
  const key = createPrivateKey({ key: wallets.alice, format: 'jwk' })
  const pss = (saltLength: number) => ({ key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength })

  it.each([0, 32, 222, 478])('is right with a salt of %i bytes', async (saltLength) => {
    const signature = sign('sha256', signatureMessage(item), pss(saltLength))
    expect(await verifySignature(reassembled(item, { signature }))).toBe(true)
  })

  it('is wrong in another padding or with another hash', async () => {
    const message = signatureMessage(item)
    const pkcs1 = sign('sha256', message, { key, padding: constants.RSA_PKCS1_PADDING })
    const sha512 = sign('sha512', message, pss(32))
    for (const signature of [pkcs1, sha512]) expect(await verifySignature(reassembled(item, { signature }))).toBe(false)
  })

  it('has one form: not the same number plus the modulus', async () => {
    expect.assertions(1)
    const modulus = toNumber(item.owner)
    for (let salt = 0; salt < 40; salt++) {
      const larger = toNumber(sign('sha256', signatureMessage(item), pss(salt))) + modulus
      if (larger >= 2n ** 4096n) continue
      expect(await verifySignature(reassembled(item, { signature: toBytes(larger, 512) }))).toBe(false)
      return
    }
  })

  it('is wrong for any owner that is no modulus', async () => {
    const top = (value: number) => overwritten(item.owner, 0, [value])
    const owners = {
      zero: Buffer.alloc(512),
      one: overwritten(Buffer.alloc(512), 511, [1]),
      three: overwritten(Buffer.alloc(512), 511, [3]),
      'power of two': overwritten(Buffer.alloc(512), 0, [0x80]),
      even: overwritten(item.owner, 511, [item.owner.readUInt8(511) & 0xfe]),
      ones: Buffer.alloc(512, 0xff),
      'a byte short': top(0),
      'seven bits short': top(1),
      'a bit short': top(item.owner.readUInt8(0) & 0x7f),
      'half as long': overwritten(item.owner, 0, Buffer.alloc(256)),
    }
    const signatures = [
      item.signature,
      Buffer.alloc(512),
      Buffer.alloc(512, 0xff),
      overwritten(Buffer.alloc(512), 511, [1]),
    ]
    for (const [name, owner] of Object.entries(owners)) {
      for (const signature of signatures) {
        expect(await verifySignature(reassembled(item, { owner, signature })), name).toBe(false)
      }
    }
  })

  it('is judged by its own owner, however many owners come by turns', async () => {
    const items = [recordedItem('msg1'), recordedItem('msg2')]
    const swapped = items.map((one, index) => reassembled(one, { owner: items[1 - index]?.owner ?? one.owner }))
    const verdicts = await Promise.all([...items, ...swapped, ...items, ...swapped].map((one) => verifySignature(one)))
    expect(verdicts).toEqual([true, true, false, false, true, true, false, false])
  })
})

describe('an Ethereum signature', () => {
  const item = recordedItem('msgEth')
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
  const field = 2n ** 256n - 2n ** 32n - 977n
  const r = item.signature.subarray(0, 32)
  const s = item.signature.subarray(32, 64)
  const v = item.signature.readUInt8(64)
  const signed = (r: Buffer, s: Buffer, v: number) =>
    verifySignature(reassembled(item, { signature: Buffer.from([...r, ...s, v]) }))

  it('is right as it is', async () => {
    expect(await signed(r, s, v)).toBe(true)
  })

  it('has one form only: no other v, no high s, nothing above the order', async () => {
    const highS = toBytes(order - toNumber(s), 32)
    for (let other = 0; other < 256; other++) {
      if (other !== v) expect(await signed(r, s, other), `v ${other}`).toBe(false)
    }
    for (const other of [27, 28]) expect(await signed(r, highS, other)).toBe(false)
    for (const outside of [0n, order, order + 1n, 2n ** 256n - 1n]) {
      const bytes = toBytes(outside, 32)
      expect(await signed(bytes, s, v)).toBe(false)
      expect(await signed(r, bytes, v)).toBe(false)
    }
  })

  it('is wrong for another owner, or for the same in another form', async () => {
    const x = item.owner.subarray(1, 33)
    const y = item.owner.subarray(33)
    const owner = (first: number, x: Buffer, y: Buffer) =>
      verifySignature(reassembled(item, { owner: Buffer.from([first, ...x, ...y]) }))
    for (let first = 0; first < 256; first++) {
      if (first !== 4) expect(await owner(first, x, y), `first byte ${first}`).toBe(false)
    }
    const otherSigner = new EthereumSigner('11'.repeat(32))
    expect(await verifySignature(reassembled(item, { owner: otherSigner.publicKey }))).toBe(false)
    // The other point of this x; no point at all; the same number written beyond the field.
    expect(await owner(4, x, toBytes(field - toNumber(y), 32))).toBe(false)
    expect(await owner(4, Buffer.alloc(32), Buffer.alloc(32))).toBe(false)
    expect(await owner(4, x, Buffer.alloc(32, 0xff))).toBe(false)
  })
})

describe('an Ed25519 signature', () => {
  const types = verifiableTypes
  const order = 2n ** 252n + 27742317777372353535851937790883648493n

  it('is right for its own type only', async () => {
    for (const name of ['procSolana', 'msgSolana', 'msgSolanaHex'] as const) {
      const item = recordedItem(name)
      expect(await verifySignature(item, { types }), name).toBe(true)
      const otherType = reassembled(item, { signatureType: item.signatureType === 2 ? 4 : 2 })
      expect(await verifySignature(otherType, { types }), name).toBe(false)
    }
  })

  it('has one form only: s below the order', async () => {
    const item = recordedItem('msgSolana')
    const s = toNumber(Buffer.from(item.signature.subarray(32)).reverse())
    const larger = toBytes(s + order, 32).reverse()
    const signature = Buffer.concat([item.signature.subarray(0, 32), larger])
    expect(await verifySignature(reassembled(item, { signature }), { types })).toBe(false)
  })

  it('is wrong for keys of small order, which would fit any message', async () => {
    // The eight points of small order, and the two of them that have a second way to be written.
    const small = [
      '0100000000000000000000000000000000000000000000000000000000000000',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0000000000000000000000000000000000000000000000000000000000000080',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    ].map((hex) => Buffer.from(hex, 'hex'))
    const zero = Buffer.alloc(32)
    const item = recordedItem('msgSolana')
    for (const owner of small) {
      for (const point of small) {
        for (const signatureType of [2, 4]) {
          const candidate = reassembled(item, { signatureType, owner, signature: Buffer.concat([point, zero]) })
          expect(await verifySignature(candidate, { types })).toBe(false)
        }
      }
    }
  })
})
