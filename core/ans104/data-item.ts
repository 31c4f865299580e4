/**
 * Reads a data item (ANS-104) from its bytes, strictly, in two steps: its layout, which costs nothing, and its tags, which may cost
 * many times their bytes. Bytes from outside are decoded only once they are known to be signed: `openSigned` in `signature.ts`.
 */
import { hash } from 'node:crypto'
import { SchedulerError } from '../errors.ts'
import { idOf } from './base64url.ts'
import { signatureTypes } from './signature-types.ts'
import { checkEncoding, decodeTags, type Tag } from './tags.ts'
import { readUInt64 } from './uint64.ts'

/**
 * The largest item that `POST /` takes, bytes: what is left of Lambda's 6 MB of request when the body is base64 (MAX_BODY_BYTES).
 * What is read of outside services follows from it.
 */
export const LARGEST_ITEM_BYTES = 4_500_000

/** The fields of a data item as they stand in its bytes. All buffers are views into `raw`: changing one changes the item. */
export interface ItemLayout {
  readonly raw: Buffer
  /** base64url(sha256(signature)), 43 characters. Not a name for the bytes: see `BlobRef`. */
  readonly id: string
  readonly signatureType: number
  readonly signature: Buffer
  /** The public key. */
  readonly owner: Buffer
  /** 32 bytes, or none. */
  readonly target: Buffer
  /** 32 bytes, or none. */
  readonly anchor: Buffer
  readonly tagCount: number
  /** The tags as encoded. */
  readonly rawTags: Buffer
  readonly data: Buffer
}

export interface DataItem extends ItemLayout {
  /** Decoded when they are asked for first. `firstValue` and `TagCursor` read `rawTags` without that. */
  readonly tags: readonly Tag[]
}

/**
 * The data item that takes up exactly these bytes, with all types of signature that can be laid out. What another
 * encoder would have written otherwise is refused: `invalid-item`, whatever the bytes are. Time and memory are linear.
 */
export const parseDataItem = (bytes: Buffer): DataItem => decodeItem(layOut(bytes))

/** Checks the tags of an item, and makes nothing of them yet. Fails with `invalid-item`. */
export function decodeItem(layout: ItemLayout): DataItem {
  checkEncoding(layout)
  let tags: readonly Tag[] | undefined
  return {
    ...layout,
    get tags() {
      tags ??= decodeTags(layout.rawTags, layout.tagCount)
      return tags
    },
  }
}

/** Takes an item's bytes apart without looking into its tags: the same few steps for any number of bytes. Fails with `invalid-item`. */
export function layOut(bytes: Buffer): ItemLayout {
  let position = 0
  const take = (length: number, what: string): Buffer => {
    if (length > bytes.length - position) {
      throw new SchedulerError('invalid-item', `The data item ends before its ${what} does.`)
    }
    const start = position
    position += length
    return bytes.subarray(start, position)
  }
  const takeOptional = (what: string): Buffer => {
    const presence = take(1, what)[0]
    if (presence === 0) return bytes.subarray(position, position)
    if (presence === 1) return take(32, what)
    throw new SchedulerError(
      'invalid-item',
      `The data item neither has nor lacks its ${what}: that byte must be 0 or 1.`,
    )
  }

  const signatureType = take(2, 'signature type').readUInt16LE()
  const lengths = signatureTypes.get(signatureType)
  if (lengths === undefined) {
    throw new SchedulerError('invalid-item', `Signature type ${signatureType} is not known.`)
  }
  const signature = take(lengths.signature, 'signature')
  const owner = take(lengths.owner, 'owner')
  const target = takeOptional('target')
  const anchor = takeOptional('anchor')
  const tagCount = readUInt64(take(8, 'number of tags'))
  const rawTags = take(readUInt64(take(8, 'length of tags')), 'tags')
  const data = bytes.subarray(position)
  return {
    raw: bytes,
    id: idOf(signature),
    signatureType,
    signature,
    owner,
    target,
    anchor,
    tagCount,
    rawTags,
    data,
  }
}

/** The owner's address: base64url(sha256(public key)), 43 characters (contract, "Words"). */
export const ownerAddress = (owner: Buffer): string => hash('sha256', owner, 'base64url')
