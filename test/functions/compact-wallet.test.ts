/** A wallet reduced to its primes is the same wallet. */
import { createPrivateKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createSigner } from '../../core/ans104/signer.ts'
import { compactWallet, completeWallet } from '../../functions/config/compact-wallet.ts'
import { parseSuConfig } from '../../functions/config/functions.ts'
import wallets from '../data/conformance/wallets.json' with { type: 'json' }

const rest = {
  HEADS_TABLE: 'h',
  RECORDS_TABLE: 'r',
  IDS_TABLE: 'i',
  SUBMISSIONS_TABLE: 's',
  BUCKET: 'b',
  GATEWAY_URL: 'https://gateway.example',
}

describe.each(['su', 'alice', 'bob'] as const)('the wallet %s, made compact', (name) => {
  const wallet = wallets[name]
  const compact = compactWallet(JSON.stringify(wallet))

  it('takes a quarter of the room', () => {
    expect(compact.length).toBeLessThan(800)
    expect(Object.keys(JSON.parse(compact))).toEqual(['kty', 'e', 'p', 'q'])
  })

  it('signs as the same wallet', async () => {
    const { wallet: read } = parseSuConfig({ ...rest, SU_WALLET: compact })
    const signer = createSigner(read.reveal())
    expect(signer.address).toBe(createSigner(wallet).address)
    // The signer verifies what it signs.
    const item = await signer.sign({ tags: [{ name: 'a', value: 'b' }], data: Buffer.from('data') })
    expect(item.owner.equals(createSigner(wallet).owner)).toBe(true)
  })

  it('has all that Node wants of a key again', () => {
    const key = createPrivateKey({ key: completeWallet(JSON.parse(compact)), format: 'jwk' })
    expect(key.export({ format: 'jwk' })).toMatchObject({
      n: wallet.n,
      p: wallet.p,
      q: wallet.q,
      dp: wallet.dp,
      dq: wallet.dq,
      qi: wallet.qi,
    })
  })

  it('may be made compact again', () => {
    const { n } = completeWallet(JSON.parse(compact))
    expect(compactWallet(JSON.stringify({ ...JSON.parse(compact), n }))).toBe(compact)
  })
})

describe('what is no wallet', () => {
  const { n, p, q, d } = wallets.su
  it.each([
    ['no JSON', 'HUSHHUSH'],
    ['no object', '"HUSHHUSH"'],
    ['no private key', JSON.stringify({ kty: 'RSA', e: 'AQAB', n })],
    ['another exponent', JSON.stringify({ ...wallets.su, e: 'Aw' })],
    ['primes of another wallet', JSON.stringify({ ...wallets.su, p: wallets.bob.p })],
    ['primes that are none', JSON.stringify({ kty: 'RSA', e: 'AQAB', n, p: 'AA', q: '' })],
  ])('is refused, with nothing of it in the sentence: %s', (_, text) => {
    expect(() => compactWallet(text)).toThrow(/^The wallet is not the JSON of an Arweave wallet/)
    try {
      compactWallet(text)
    } catch (error) {
      for (const secret of ['HUSH', p, q, d]) expect(String(error)).not.toContain(secret)
    }
  })

  it('is refused as a variable too', () => {
    const parse = (text: string) => () => parseSuConfig({ ...rest, SU_WALLET: text })
    expect(parse('{"kty":"RSA","e":"AQAB","p":"x"}')).toThrow(/SU_WALLET must be the JSON/)
  })
})
