/**
 * The fingerprint by which a pushed message is known again (contract, "Deep hash"): the deep hash of a data item without
 * its owner, its signature type and its `Pushed-For` tags, whatever the order of the others.
 */
import type { DataItem } from '../ans104/data-item.ts'
import { blobHash, createBlobHasher, dataItemHash } from '../ans104/deep-hash.ts'
import { type EncodedTags, encodeTags, TagCursor, writeVarint } from '../ans104/tags.ts'
import type { GatewayTransaction } from '../ports/gateway.ts'

type Fields = Pick<DataItem, 'target' | 'anchor' | 'rawTags' | 'tagCount'>

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
    digest: () =>
      hashFields({ target: recipient, anchor, rawTags: encodeTags(tags), tagCount: tags.length }, data.digest()),
  }
}

const NO_BYTES = Buffer.alloc(0)

function hashFields({ target, anchor, rawTags: given, tagCount }: Fields, data: Buffer): string {
  const rawTags = comparableTags({ rawTags: given, tagCount })
  return dataItemHash({ signatureType: 1, owner: NO_BYTES, target, anchor, rawTags }, data).toString('base64url')
}

const PUSHED_FOR = Buffer.from('Pushed-For')

/** The encoding without `Pushed-For`, its tags sorted by the bytes of name and value. No tag is decoded: there may be millions. */
function comparableTags(tags: EncodedTags): Buffer {
  const { rawTags: bytes, tagCount } = tags
  if (tagCount === 0) return NO_BYTES
  // Of each tag kept the bounds of its name and its value.
  const bounds = new Uint32Array(4 * tagCount)
  let count = 0
  let size = 0
  for (const at = new TagCursor(tags); at.next(); ) {
    const { name, nameEnd, value, valueEnd } = at
    if (nameEnd - name === PUSHED_FOR.length && PUSHED_FOR.compare(bytes, name, nameEnd) === 0) continue
    const next = 4 * count++
    bounds[next] = name
    bounds[next + 1] = nameEnd
    bounds[next + 2] = value
    bounds[next + 3] = valueEnd
    size += nameEnd - name + valueEnd - value
  }
  // The reference's encoder writes an empty array as its closing zero; with no tags at all it is not asked.
  if (count === 0) return Buffer.from([0])
  const bound = (at: number) => bounds[at] ?? 0
  const compareTexts = (one: number, other: number): number => {
    const start = bound(one)
    const end = bound(one + 1)
    const from = bound(other)
    const to = bound(other + 1)
    return end === start || to === from ? end - start - (to - from) : bytes.compare(bytes, from, to, start, end)
  }
  const order = Uint32Array.from({ length: count }, (_, index) => 4 * index).sort(
    (one, other) => compareTexts(one, other) || compareTexts(one + 2, other + 2),
  )
  // At most six bytes for each length and the count, and the end.
  const sorted = Buffer.allocUnsafe(size + 12 * count + 7)
  let position = writeVarint(sorted, 0, count)
  for (const tag of order) {
    for (const at of [tag, tag + 2]) {
      position = writeVarint(sorted, position, bound(at + 1) - bound(at))
      position += bytes.copy(sorted, position, bound(at), bound(at + 1))
    }
  }
  sorted[position++] = 0
  return sorted.subarray(0, position)
}
