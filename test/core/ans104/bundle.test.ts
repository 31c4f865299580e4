import { ArweaveSigner, Bundle, bundleAndSignData, createData, EthereumSigner } from 'arbundles'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeBundle, parseBundle } from '../../../core/ans104/bundle.ts'
import { hasCode } from '../../../core/errors.ts'
import { runs } from '../../effort.ts'
import { bytes, itemContent } from './arbitraries.ts'
import { overwritten, recordedItem, refusal, wallets } from './recorded.ts'

const ethereum = recordedItem('msgEth')
const arweave = recordedItem('procAnchor')
const bundle = encodeBundle([ethereum, arweave])

const number32 = (number: bigint) => Buffer.from(number.toString(16).padStart(64, '0'), 'hex').reverse()

describe('a bundle', () => {
  it('is that of arbundles, both ways', async () => {
    const signers = { arweave: new ArweaveSigner(wallets.alice), ethereum: new EthereumSigner(wallets.ethereum) }
    const content = fc.tuple(itemContent, fc.constantFrom('arweave', 'ethereum'))
    await fc.assert(
      fc.asyncProperty(fc.array(content, { maxLength: 4 }), async (contents) => {
        const theirs = await Promise.all(
          contents.map(async ([{ tags, data }, kind]) => {
            const item = createData(data, signers[kind], { tags })
            await item.sign(signers[kind])
            return item
          }),
        )
        const raw = (await bundleAndSignData(theirs, signers.arweave)).getRaw()
        const items = parseBundle(raw)
        expect(items.map(({ id }) => id)).toEqual(theirs.map(({ id }) => id))
        expect(items.map((item) => item.raw)).toEqual(theirs.map((item) => item.getRaw()))
        expect(encodeBundle(items)).toEqual(raw)
        expect(await new Bundle(encodeBundle(items)).verify()).toBe(true)
      }),
      { numRuns: runs(20, 10) },
    )
  })

  it('may be empty', () => {
    expect(encodeBundle([])).toEqual(Buffer.alloc(32))
    expect(parseBundle(Buffer.alloc(32))).toEqual([])
  })

  it('is a view, not a copy', () => {
    for (const item of parseBundle(bundle)) expect(item.raw.buffer).toBe(bundle.buffer)
  })

  it('is refused wherever it is cut, and with anything behind it', () => {
    for (let length = 0; length < bundle.length; length++) {
      expect(() => parseBundle(bundle.subarray(0, length)), `${length} bytes`).toThrow(refusal(/./))
    }
    expect(() => parseBundle(Buffer.concat([bundle, Buffer.alloc(1)]))).toThrow(refusal(/goes on/))
  })

  it('is refused with numbers that do not fit', () => {
    const numbers = [0n, 1n, 3n, 2n ** 26n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n, 2n ** 64n + 2n, 2n ** 256n - 1n]
    for (const number of numbers) {
      for (const position of [0, 32, 96]) {
        expect(() => parseBundle(overwritten(bundle, position, number32(number))), `${number}`).toThrow(refusal(/./))
      }
    }
    // Lengths that are right in sum only.
    const shifted = overwritten(bundle, 32, number32(BigInt(ethereum.raw.length + 1)))
    expect(() => parseBundle(overwritten(shifted, 96, number32(BigInt(arweave.raw.length - 1))))).toThrow(refusal(/./))
  })

  it('is refused when it names an item by another id', () => {
    for (const position of [64, 95, 128, 159]) {
      const flipped = overwritten(bundle, position, [bundle.readUInt8(position) ^ 1])
      expect(() => parseBundle(flipped)).toThrow(refusal(/id that is not its own/))
    }
  })

  it('of any bytes is refused or is exactly what would be written here', () => {
    const check = (candidate: Buffer) => {
      try {
        expect(encodeBundle(parseBundle(candidate)).equals(candidate)).toBe(true)
      } catch (error) {
        if (!hasCode(error, 'invalid-item')) throw error
      }
    }
    fc.assert(fc.property(bytes(3000), check))
    fc.assert(
      fc.property(fc.nat(4), bytes(3000), (count, rest) => {
        check(Buffer.concat([number32(BigInt(count)), rest]))
      }),
    )
    fc.assert(
      fc.property(fc.nat(bundle.length - 1), bytes(4), (position, patch) => {
        check(overwritten(bundle, Math.min(position, bundle.length - patch.length), patch))
      }),
      { numRuns: runs(2_000, 1_000) },
    )
  })
})
