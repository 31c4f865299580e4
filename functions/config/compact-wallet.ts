/**
 * A wallet in as few characters as it takes. All variables of a Lambda function together may have 4 KB, of which a whole JWK takes
 * 3.2 and its two primes 0.7: all else in it follows from them.
 */

export interface CompactWallet {
  kty: 'RSA'
  /** 65537, as all Arweave wallets have it. */
  e: 'AQAB'
  /** The primes, base64url. */
  p: string
  q: string
}

const EXPONENT = 65_537n

/** The primes alone. Throws, with nothing of the key in it, where the text is no JWK with its private key. */
export function compactWallet(text: string): string {
  const wrong = new Error('The wallet is not the JSON of an Arweave wallet: a JWK of RSA with its private key.')
  const { kty, e, n, p, q } = fieldsOf(text) ?? {}
  if (kty !== 'RSA' || e !== 'AQAB' || typeof n !== 'string' || typeof p !== 'string' || typeof q !== 'string')
    throw wrong
  // What was left out must come back the same: else a signature would be another wallet's.
  if (completeWallet({ kty, e, p, q }).n !== n) throw wrong
  return JSON.stringify({ kty, e, p, q } satisfies CompactWallet)
}

/** The JWK with all that Node wants of it. */
export function completeWallet(wallet: CompactWallet) {
  const p = numberOf(wallet.p)
  const q = numberOf(wallet.q)
  const d = inverse(EXPONENT, (p - 1n) * (q - 1n))
  const parts = { n: p * q, d, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) }
  return { ...wallet, ...mapped(parts, textOf) }
}

function fieldsOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    // The parser's own message would quote the text.
    return undefined
  }
}

const numberOf = (text: string): bigint => BigInt(`0x${Buffer.from(text, 'base64url').toString('hex') || '0'}`)

function textOf(number: bigint): string {
  const hex = number.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url')
}

/** x with value · x ≡ 1 (mod modulus), by Euclid's algorithm; 0 where there is none, as with numbers that are no primes. */
function inverse(value: bigint, modulus: bigint): bigint {
  if (modulus <= 1n) return 0n
  let [before, rest] = [modulus, value % modulus]
  let [factorBefore, factor] = [0n, 1n]
  while (rest > 0n) {
    const quotient = before / rest
    ;[before, rest] = [rest, before - quotient * rest]
    ;[factorBefore, factor] = [factor, factorBefore - quotient * factor]
  }
  return before === 1n ? ((factorBefore % modulus) + modulus) % modulus : 0n
}

const mapped = <K extends string, A, B>(parts: Record<K, A>, map: (part: A) => B) =>
  Object.fromEntries(Object.entries<A>(parts).map(([name, part]) => [name, map(part)])) as Record<K, B>
