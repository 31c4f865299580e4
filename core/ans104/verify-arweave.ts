/** Signature type 1: RSA-PSS with SHA-256, e = 65537, a salt of any length. Verified off JavaScript's main thread. */
import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/**
 * Keys by modulus. To import a key and to prepare it for its first use costs about as much as a verification, and
 * owners come again.
 */
const keys = new LRUCache<string, KeyObject>({ max: 1000 })

function publicKey(modulus: Buffer): KeyObject {
  const name = modulus.toString('latin1')
  const known = keys.get(name)
  if (known !== undefined) return known
  // Measured: as fast as SPKI, and no DER to get wrong.
  const key = createPublicKey({ key: { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' }, format: 'jwk' })
  keys.set(name, key)
  return key
}

/** False for whatever is not this owner's signature of the message. The owner is the modulus, big-endian. */
export async function verifyArweave(message: Buffer, signature: Buffer, owner: Buffer): Promise<boolean> {
  // No product of two large primes: even, or too short to fit a signature of 512 bytes.
  if (owner.readUInt8(0) === 0 || owner.readUInt8(owner.length - 1) % 2 === 0) return false
  const key = publicKey(owner)
  const options = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }
  return new Promise((resolve, reject) => {
    verify('sha256', message, options, signature, (error, valid) => (error ? reject(error) : resolve(valid)))
  })
}
