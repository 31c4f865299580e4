/** The signature types that ANS-104 knows, with the lengths that a data item's layout needs. */

export interface SignatureType {
  name: string
  /** Bytes of a signature. */
  signature: number
  /** Bytes of an owner, that is of a public key. */
  owner: number
}

/** By the number that stands in the item. That a type can be laid out does not mean that it is taken: `signature.ts`. */
export const signatureTypes: ReadonlyMap<number, SignatureType> = new Map([
  [1, { name: 'Arweave', signature: 512, owner: 512 }],
  [2, { name: 'Ed25519', signature: 64, owner: 32 }],
  [3, { name: 'Ethereum', signature: 65, owner: 65 }],
  [4, { name: 'Solana', signature: 64, owner: 32 }],
  [5, { name: 'injected Aptos', signature: 64, owner: 32 }],
  [6, { name: 'multi-signature Aptos', signature: 2052, owner: 1025 }],
  [7, { name: 'typed Ethereum', signature: 65, owner: 42 }],
])
