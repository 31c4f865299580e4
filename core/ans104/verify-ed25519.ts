/** Signature types 2 and 4: Ed25519 over the deep hash, and Solana's, over its hexadecimal form. */
import { ed25519 } from '@noble/curves/ed25519.js'

// RFC 8032 in its strict reading: with ZIP 215's, a key of small order verifies for messages that nobody signed.
const strict = { zip215: false }

/** False for whatever is not this owner's signature of the message. */
export const verifyEd25519 = (message: Buffer, signature: Buffer, owner: Buffer): boolean =>
  ed25519.verify(signature, message, owner, strict)

/** The same for wallets that sign text only: what is signed is the message in lower-case hexadecimal, as ASCII. */
export const verifySolana = (message: Buffer, signature: Buffer, owner: Buffer): boolean =>
  verifyEd25519(Buffer.from(message.toString('hex')), signature, owner)
