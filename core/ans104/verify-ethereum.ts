/** Signature type 3: Ethereum's "personal message" over the deep hash, as secp256k1 with recovery. */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'

const UNCOMPRESSED = 4

/**
 * False for whatever is not this owner's signature of the message. The signature is r, s, v. Only one form of it counts,
 * or anybody could give a message a second id: v is 27 or 28 and fits, s is low. The owner is an uncompressed point.
 */
export function verifyEthereum(message: Buffer, signature: Buffer, owner: Buffer): boolean {
  const v = signature[64]
  if ((v !== 27 && v !== 28) || owner[0] !== UNCOMPRESSED) return false
  const signed = Buffer.concat([Buffer.from(`\x19Ethereum Signed Message:\n${message.length}`), message])
  const recoverable = Buffer.concat([Buffer.from([v - 27]), signature.subarray(0, 64)])
  return secp256k1.verify(recoverable, keccak_256(signed), owner, { prehash: false, lowS: true, format: 'recovered' })
}
