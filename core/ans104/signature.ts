/** Whether a data item is signed by its owner, for the signature types that a well-kept library verifies safely. */
import { SchedulerError } from '../errors.ts'
import { type DataItem, decodeItem, type ItemLayout, layOut } from './data-item.ts'
import { blobHash, dataItemHash, type HashedFields } from './deep-hash.ts'
import { signatureTypes } from './signature-types.ts'
import { verifyArweave } from './verify-arweave.ts'

/** Types that can be verified here at all: Arweave, Ed25519, Ethereum, Solana. */
export const verifiableTypes: readonly number[] = [1, 2, 3, 4]

/** Types that are taken unless configured otherwise: those of the contract, "What is refused". */
export const defaultSignatureTypes: readonly number[] = [1, 3]

/** What the owner signs: the item's deep hash, 48 bytes. */
export const signatureMessage = (item: HashedFields & { data: Uint8Array }): Buffer =>
  dataItemHash(item, blobHash(item.data))

export interface VerifyOptions {
  /** The types that are taken. */
  types?: readonly number[]
}

/**
 * The data item that takes up exactly these bytes, signed by its owner. Until the signature is verified only hashes are made of
 * the bytes: an unsigned body costs little more than hashing it, whatever its shape. Throws `invalid-item`.
 */
export async function openSigned(bytes: Buffer, options: VerifyOptions = {}): Promise<DataItem> {
  const layout = layOut(bytes)
  if (await verifySignature(layout, options)) return decodeItem(layout)
  throw new SchedulerError('invalid-item', 'The signature does not verify')
}

/** Whether the signature is right. Throws `invalid-item` for a type that is not taken. No bytes make it throw else. */
export async function verifySignature(
  item: ItemLayout,
  { types = defaultSignatureTypes }: VerifyOptions = {},
): Promise<boolean> {
  const { signatureType, signature, owner } = item
  if (types.includes(signatureType)) {
    // The other verifiers are loaded when one is needed first: most instances never see such an item.
    switch (signatureType) {
      case 1:
        return verifyArweave(signatureMessage(item), signature, owner)
      case 2: {
        const { verifyEd25519 } = await import('./verify-ed25519.ts')
        return verifyEd25519(signatureMessage(item), signature, owner)
      }
      case 3: {
        const { verifyEthereum } = await import('./verify-ethereum.ts')
        return verifyEthereum(signatureMessage(item), signature, owner)
      }
      case 4: {
        const { verifySolana } = await import('./verify-ed25519.ts')
        return verifySolana(signatureMessage(item), signature, owner)
      }
    }
  }
  const name = signatureTypes.get(signatureType)?.name ?? 'unknown'
  throw new SchedulerError('invalid-item', `Signature type ${signatureType} (${name}) is not taken here.`)
}
