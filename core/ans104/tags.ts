/**
 * Tags of a data item and their Avro encoding, an array of (name, value) strings. Only the canonical encoding is read:
 * implementations that encode again before they verify and those that hash the bytes as they came then agree.
 */
import { isUtf8 } from 'node:buffer'
import { SchedulerError } from '../errors.ts'

export interface Tag {
  name: string
  value: string
}

/** The value of the first tag of that name: of several tags with one name the first counts. */
export const tagValue = (tags: readonly Tag[], name: string): string | undefined =>
  tags.find((tag) => tag.name === name)?.value

const refusal = (sentence: string) => new SchedulerError('invalid-item', sentence)

/**
 * The canonical encoding: one block with its count, then an empty one; no bytes at all for no tags.
 * Throws `invalid-item` when a string is not well-formed Unicode, for it would come back as another one.
 */
export function encodeTags(tags: readonly Tag[]): Buffer {
  if (tags.length === 0) return Buffer.alloc(0)
  let size = varintLength(tags.length) + 1
  for (const { name, value } of tags) size += encodedLength(name) + encodedLength(value)

  const bytes = Buffer.allocUnsafe(size)
  let position = writeVarint(bytes, 0, tags.length)
  for (const { name, value } of tags) {
    position = writeText(bytes, position, name)
    position = writeText(bytes, position, value)
  }
  bytes[position] = 0
  return bytes
}

function encodedLength(text: string): number {
  if (!text.isWellFormed()) throw refusal('A tag is not valid Unicode.')
  const length = Buffer.byteLength(text)
  return varintLength(length) + length
}

function writeText(bytes: Buffer, position: number, text: string): number {
  const start = writeVarint(bytes, position, Buffer.byteLength(text))
  return start + bytes.write(text, start)
}

// Avro's numbers are zigzag: twice the number where it is not negative. Seven bits a byte, lowest first. Sums and
// products instead of shifts, which would cut at 32 bits.

function varintLength(number: number): number {
  let length = 1
  for (let rest = number * 2; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++
  return length
}

/** Returns where it ends. */
export function writeVarint(bytes: Buffer, start: number, number: number): number {
  let position = start
  let rest = number * 2
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[position++] = (rest % 0x80) + 0x80
  bytes[position++] = rest
  return position
}

/** Enough for any length that bytes in memory can have. */
const MAX_VARINT_BYTES = 6

/** Tags as an item has them: `tagCount` of them, encoded. */
export interface EncodedTags {
  readonly rawTags: Buffer
  readonly tagCount: number
}

/**
 * Goes from tag to tag and makes no objects: an item of 4.5 MB may have two million tags. Throws `invalid-item` where what it
 * passes is not as `encodeTags` writes it, whatever is in the texts. Time is linear in the bytes, whatever numbers stand in them.
 */
export class TagCursor {
  /** Where the tag's name and value stand in the encoding: from, inclusive, and to, exclusive. */
  name = 0
  nameEnd = 0
  value = 0
  valueEnd = 0
  private readonly bytes: Buffer
  private readonly count: number
  private position = 0
  private passed = 0

  constructor({ rawTags, tagCount }: EncodedTags) {
    this.bytes = rawTags
    this.count = tagCount
    if (tagCount === 0) {
      if (rawTags.length !== 0) throw refusal('The data item has bytes for tags, but no tags.')
      return
    }
    // Before anything is read: a tag takes two bytes or more, the block's count and the end one each.
    if (tagCount > (rawTags.length - 2) / 2) throw refusal('The data item has fewer tags than it says.')
    if (this.readVarint() !== tagCount) throw refusal('The data item has another number of tags than it says.')
  }

  /** The next tag; false behind the last one. */
  next(): boolean {
    const { bytes } = this
    if (this.passed === this.count) {
      const isEnd = this.position === bytes.length - 1 && bytes[this.position] === 0
      if (this.count > 0 && !isEnd) throw refusal('The tags do not end where they should.')
      return false
    }
    this.passed++
    this.name = this.skipText()
    this.nameEnd = this.position
    this.value = this.skipText()
    this.valueEnd = this.position
    return true
  }

  /** The tag that it stands at. */
  tag(): Tag {
    const { bytes } = this
    return {
      name: bytes.toString('utf8', this.name, this.nameEnd),
      value: bytes.toString('utf8', this.value, this.valueEnd),
    }
  }

  /** Goes over a text, and returns where it begins. */
  private skipText(): number {
    const length = this.readVarint()
    if (length > this.bytes.length - this.position) throw refusal('A tag ends behind the end of the tags.')
    const start = this.position
    this.position += length
    return start
  }

  private readVarint(): number {
    let number = 0
    let factor = 1
    for (let read = 0; read < MAX_VARINT_BYTES; read++) {
      const byte = this.bytes[this.position++]
      if (byte === undefined) throw refusal('The tags end in the middle of a number.')
      if (byte < 0x80) {
        if (byte === 0 && read > 0) throw refusal('The tags hold a number that is longer than it need be.')
        number += byte * factor
        if (number % 2 === 1) throw refusal('The tags hold a negative number.')
        return number / 2
      }
      number += (byte - 0x80) * factor
      factor *= 0x80
    }
    throw refusal('The tags hold a number that is too large.')
  }
}

/** Throws `invalid-item` on anything that `encodeTags` would not have written. */
export function checkEncoding(tags: EncodedTags): void {
  const { rawTags } = tags
  for (const at = new TagCursor(tags); at.next(); ) {
    if (!isText(rawTags, at.name, at.nameEnd) || !isText(rawTags, at.value, at.valueEnd)) {
      throw refusal('A tag is not valid UTF-8.')
    }
  }
}

/** Bytes up to which a look at each is cheaper than a call into Node. */
const SHORT = 64

function isText(bytes: Buffer, start: number, end: number): boolean {
  let at = start
  if (end - start <= SHORT) while (at < end && (bytes[at] ?? 0) < 0x80) at++
  return at === end || isUtf8(bytes.subarray(at, end))
}

/** The tags as objects. Throws `invalid-item` on anything that `encodeTags` would not have written. */
export function decodeTags(bytes: Buffer, count: number): Tag[] {
  const encoded = { rawTags: bytes, tagCount: count }
  checkEncoding(encoded)
  const tags: Tag[] = []
  for (const at = new TagCursor(encoded); at.next(); ) tags.push(at.tag())
  return tags
}

/** The value of the first tag that has one of these names, of a checked encoding. No other tag is decoded. */
export function firstValue(tags: EncodedTags, ...names: string[]): string | undefined {
  const { rawTags } = tags
  const wanted = names.map((name) => Buffer.from(name))
  for (const at = new TagCursor(tags); at.next(); ) {
    const { name, nameEnd } = at
    for (const one of wanted) {
      const isWanted = one.length === nameEnd - name && one.compare(rawTags, name, nameEnd) === 0
      if (isWanted) return rawTags.toString('utf8', at.value, at.valueEnd)
    }
  }
  return undefined
}
