/**
 * Arweave's deep hash (SHA-384) of the flat list that a data item is signed over. A blob is
 * H(H("blob" + length) + H(bytes)), so that a length need be known at the end only, and data can go through as a stream.
 */
import { createHash, hash } from 'node:crypto'

const HASH_BYTES = 48

const sha384 = (bytes: Uint8Array | string): Buffer => hash('sha384', bytes, 'buffer')

// Most parts of an item are short and their lengths come again and again: 2 of 3 hashes of such a blob are of its tag.
const CACHED_LENGTHS = 1024
const lengthTags: Buffer[] = []

function lengthTag(length: number): Buffer {
  const cached = lengthTags[length]
  if (cached !== undefined) return cached
  const tag = sha384(`blob${length}`)
  if (length <= CACHED_LENGTHS) lengthTags[length] = tag
  return tag
}

const pair = (left: Buffer, right: Buffer): Buffer => sha384(Buffer.concat([left, right], 2 * HASH_BYTES))

/** Deep hash of one blob, 48 bytes. */
export const blobHash = (bytes: Uint8Array): Buffer => pair(lengthTag(bytes.length), sha384(bytes))

/** Deep hash of a blob that comes in chunks, none of which is kept. */
export interface BlobHasher {
  update(chunk: Uint8Array): void
  /** 48 bytes, once. */
  digest(): Buffer
}

export function createBlobHasher(): BlobHasher {
  const content = createHash('sha384')
  let length = 0
  return {
    update(chunk) {
      content.update(chunk)
      length += chunk.length
    },
    digest: () => pair(lengthTag(length), content.digest()),
  }
}

/** The fields of a data item that its deep hash covers, besides the data. */
export interface HashedFields {
  signatureType: number
  owner: Buffer
  target: Buffer
  anchor: Buffer
  rawTags: Buffer
}

const DATA_ITEM = blobHash(Buffer.from('dataitem'))
const VERSION = blobHash(Buffer.from('1'))
const LIST = sha384('list8')

/** Deep hash, 48 bytes, of ["dataitem", "1", signature type, owner, target, anchor, tags, data], with the data's own. */
export function dataItemHash(fields: HashedFields, data: Buffer): Buffer {
  const parts = [
    DATA_ITEM,
    VERSION,
    blobHash(Buffer.from(String(fields.signatureType))),
    blobHash(fields.owner),
    blobHash(fields.target),
    blobHash(fields.anchor),
    blobHash(fields.rawTags),
    data,
  ]
  return parts.reduce(pair, LIST)
}
