/**
 * The fingerprint by which a pushed message is known again (contract, "Deep hash"): the deep hash of a data item without
 * its owner, its signature type and its `Pushed-For` tags, whatever the order of the others.
 */
import type { DataItem } from '../ans104/data-item.ts'
import { blobHash, createBlobHasher, dataItemHash } from '../ans104/deep-hash.ts'
import { encodeTags, type Tag } from '../ans104/tags.ts'
import type { GatewayTransaction } from '../ports/gateway.ts'

type Fields = Pick<DataItem, 'target' | 'anchor' | 'tags'>

/** Of an item at hand: base64url, 64 characters. */
export const messageDeepHash = (item: Fields & { data: Buffer }): string => hashFields(item, blobHash(item.data))

/** Of a transaction whose data comes from the gateway in chunks, none of which is kept. */
export interface TransactionHasher {
  update(chunk: Uint8Array): void
  /** base64url, 64 characters, once. */
  digest(): string
}

export function createTransactionHasher({
  recipient,
  anchor,
  tags,
}: Omit<GatewayTransaction, 'id'>): TransactionHasher {
  const data = createBlobHasher()
  return {
    update: (chunk) => data.update(chunk),
    digest: () => hashFields({ target: recipient, anchor, tags }, data.digest()),
  }
}

const NO_BYTES = Buffer.alloc(0)

function hashFields({ target, anchor, tags }: Fields, data: Buffer): string {
  const rawTags = encodeComparableTags(tags)
  return dataItemHash({ signatureType: 1, owner: NO_BYTES, target, anchor, rawTags }, data).toString('base64url')
}

function encodeComparableTags(tags: readonly Tag[]): Buffer {
  if (tags.length === 0) return NO_BYTES
  const kept = tags.filter(({ name }) => name !== 'Pushed-For')
  // The reference's encoder writes an empty array as its closing zero; with no tags at all it is not asked.
  if (kept.length === 0) return Buffer.from([0])
  return encodeTags(kept.sort((one, other) => compareUtf8(one.name, other.name) || compareUtf8(one.value, other.value)))
}

/**
 * Orders texts as their UTF-8 bytes are ordered, that is by code point, without making these bytes: an item may have
 * millions of tags. `<` goes by UTF-16 units, where a surrogate stands below U+E000–U+FFFF though what it encodes is above.
 */
export function compareUtf8(one: string, other: string): number {
  if (one === other) return 0
  const common = Math.min(one.length, other.length)
  for (let index = 0; index < common; index++) {
    const a = one.charCodeAt(index)
    const b = other.charCodeAt(index)
    if (a !== b) return Number(isSurrogate(a)) - Number(isSurrogate(b)) || a - b
  }
  return one.length - other.length
}

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff
