import { constants, createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { DataItem as ArbundlesItem } from 'arbundles'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDataItem } from '../../../core/ans104/data-item.ts'
import { signatureMessage, verifySignature } from '../../../core/ans104/signature.ts'
import { createSigner } from '../../../core/ans104/signer.ts'
import { runs } from '../../effort.ts'
import { itemContent } from './arbitraries.ts'
import { alice, recorded, refusal, wallets } from './recorded.ts'

describe('a signer', () => {
  it('has the wallet’s owner and address', () => {
    expect(alice.address).toBe(recorded.addresses.alice)
    expect(alice.owner.toString('base64url')).toBe(wallets.alice.n)
  })

  it('makes items that verify here and in arbundles, and are read as what was signed', async () => {
    await fc.assert(
      fc.asyncProperty(itemContent, async ({ target, anchor, tags, data }) => {
        const item = await alice.sign({ ...(target && { target }), ...(anchor && { anchor }), tags, data })
        expect(await verifySignature(item)).toBe(true)
        expect(await ArbundlesItem.verify(item.raw)).toBe(true)
        const none = Buffer.alloc(0)
        expect(item).toMatchObject({ signatureType: 1, target: target ?? none, anchor: anchor ?? none, tags, data })
        expect(parseDataItem(Buffer.from(item.raw))).toEqual(item)
      }),
      { numRuns: runs(40, 20) },
    )
  })

  it('needs nothing but tags', async () => {
    const item = await alice.sign({ tags: [] })
    expect(item.raw).toHaveLength(2 + 512 + 512 + 2 + 16)
    expect(await verifySignature(item)).toBe(true)
  })

  it('uses the longest salt', async () => {
    const item = await alice.sign({ tags: [{ name: 'a', value: 'b' }] })
    const key = createPublicKey({ key: { kty: 'RSA', n: wallets.alice.n, e: 'AQAB' }, format: 'jwk' })
    const fits = (saltLength: number) =>
      verify(
        'sha256',
        signatureMessage(item),
        { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength },
        item.signature,
      )
    expect(fits(478)).toBe(true)
    expect(fits(32)).toBe(false)
  })

  it('signs many at once, each with an id of its own', async () => {
    const items = await Promise.all(Array.from({ length: 20 }, () => alice.sign({ tags: [] })))
    expect(new Set(items.map(({ id }) => id)).size).toBe(20)
  })

  it('refuses parts of a wrong length', async () => {
    await expect(alice.sign({ tags: [], target: Buffer.alloc(31) })).rejects.toThrow(refusal(/target/))
    await expect(alice.sign({ tags: [], anchor: Buffer.alloc(33) })).rejects.toThrow(refusal(/anchor/))
  })
})

describe('a wallet that is none', () => {
  const small = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })
  const { n, e, kty } = wallets.alice

  it.each([
    ['nothing', undefined, /JSON object/],
    ['null', null, /JSON object/],
    ['a text', JSON.stringify(wallets.alice), /JSON object/],
    ['an empty object', {}, /"kty"/],
    ['a key of another kind', { ...wallets.alice, kty: 'EC' }, /"kty"/],
    ['another exponent', { ...wallets.alice, e: 'Aw' }, /"e"/],
    ['a smaller key', small, /4096/],
    ['a modulus that is no base64url', { ...wallets.alice, n: `${n}=` }, /"n"/],
    ['a number for a modulus', { ...wallets.alice, n: 5 }, /"n"/],
    ['a public key', { kty, n, e }, /"d"/],
    ['a key without its primes', { kty, n, e, d: wallets.alice.d }, /"p"/],
    ['a key with a number in it', { ...wallets.alice, qi: 17 }, /"qi"/],
    ['an empty part', { ...wallets.alice, p: '' }, /"p"/],
    ['a part that is no base64url', { ...wallets.alice, d: '!!!' }, /"d"/],
    ['parts of another key', { ...wallets.bob, n }, /damaged/],
    ['a changed private exponent and prime', { ...wallets.alice, d: wallets.bob.d, p: wallets.bob.p }, /damaged/],
  ])('is refused in words, without a word of the key: %s', (_, jwk, message) => {
    let caught: unknown
    try {
      createSigner(jwk)
    } catch (error) {
      caught = error
    }
    expect(caught).toBeInstanceOf(Error)
    const { message: said, cause, stack } = caught as Error
    expect(said).toMatch(message)
    expect(cause).toBeUndefined()
    for (const secret of [wallets.alice, wallets.bob, small].flatMap(({ d, p, q, dp, dq, qi }) => [
      d,
      p,
      q,
      dp,
      dq,
      qi,
    ])) {
      expect(stack).not.toContain(secret?.slice(0, 16))
    }
  })
})
