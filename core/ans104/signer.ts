/** Signs data items with an Arweave wallet (RSA-4096), with a key that is read once, off JavaScript's main thread. */
import { constants, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { assembleDataItem } from './assemble.ts'
import { decodeBase64url } from './base64url.ts'
import { type DataItem, ownerAddress, parseDataItem } from './data-item.ts'
import { signatureMessage } from './signature.ts'
import { encodeTags, type Tag } from './tags.ts'

export interface UnsignedItem {
  /** 32 bytes, or none. */
  target?: Buffer
  /** 32 bytes, or none. */
  anchor?: Buffer
  tags: readonly Tag[]
  data?: Buffer
}

export interface Signer {
  /** The public key: the RSA modulus, 512 bytes. */
  readonly owner: Buffer
  /** 43 characters. */
  readonly address: string
  /** Throws `invalid-item` when a part has not its length. Salts are random, so no two signatures are alike. */
  sign(item: UnsignedItem): Promise<DataItem>
}

const ARWEAVE = 1
const NONE = Buffer.alloc(0)

// The longest salt that fits (478 bytes): what every Arweave signer uses.
const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_MAX_SIGN }

/**
 * Reads a wallet in JWK form. Throws an error whose message says what is wrong with it, with nothing of the key in it.
 */
export function createSigner(jwk: unknown): Signer {
  const { key, owner } = readWallet(jwk)
  const signMessage = (message: Buffer): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      sign('sha256', message, { key, ...padding }, (error, signature) => (error ? reject(error) : resolve(signature)))
    })

  return {
    owner,
    address: ownerAddress(owner),
    async sign({ target = NONE, anchor = NONE, tags, data = NONE }) {
      const rawTags = encodeTags(tags)
      const message = signatureMessage({ signatureType: ARWEAVE, owner, target, anchor, rawTags, data })
      const signature = await signMessage(message)
      return parseDataItem(assembleDataItem({ signatureType: ARWEAVE, signature, owner, target, anchor, tags, data }))
    },
  }
}

function readWallet(jwk: unknown): { key: KeyObject; owner: Buffer } {
  if (typeof jwk !== 'object' || jwk === null) throw new Error('The wallet is not a JWK: it must be a JSON object.')
  const { kty, e, n, d, p, q, dp, dq, qi } = { ...jwk } as Record<string, unknown>
  if (kty !== 'RSA') throw new Error('The wallet is not an Arweave wallet: its "kty" must be "RSA".')
  if (e !== 'AQAB') throw new Error('The wallet is not an Arweave wallet: its "e" must be "AQAB" (65537).')
  const owner = typeof n === 'string' ? decodeBase64url(n) : undefined
  if (owner?.length !== 512 || owner.readUInt8(0) < 0x80) {
    throw new Error('The wallet is not an RSA key of 4096 bits: its "n" must be 512 bytes as base64url.')
  }
  for (const [name, value] of Object.entries({ d, p, q, dp, dq, qi })) {
    if (typeof value !== 'string' || !decodeBase64url(value)?.length) {
      throw new Error(`The wallet is not a private key: its "${name}" is missing or no base64url.`)
    }
  }
  const key = importKey({ kty, e, n, d, p, q, dp, dq, qi })
  if (key === undefined || !belongsTo(key, owner)) {
    throw new Error('The wallet is damaged: its private key does not belong to its "n".')
  }
  return { key, owner }
}

/** Undefined when Node refuses it. Its error is dropped on purpose: such an error may quote what it was given. */
function importKey(jwk: Record<string, unknown>): KeyObject | undefined {
  try {
    return createPrivateKey({ key: jwk, format: 'jwk' })
  } catch {
    return undefined
  }
}

/** Signs something once: an import does not notice parts that do not fit, and every later signature would be wrong. */
function belongsTo(key: KeyObject, owner: Buffer): boolean {
  const publicKey = createPublicKey({ key: { kty: 'RSA', n: owner.toString('base64url'), e: 'AQAB' }, format: 'jwk' })
  const message = Buffer.from('a trial')
  try {
    return verify('sha256', message, { key: publicKey, ...padding }, sign('sha256', message, { key, ...padding }))
  } catch {
    return false
  }
}
