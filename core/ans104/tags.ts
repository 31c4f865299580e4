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

function writeVarint(bytes: Buffer, start: number, number: number): number {
  let position = start
  let rest = number * 2
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[position++] = (rest % 0x80) + 0x80
  bytes[position++] = rest
  return position
}

/** Enough for any length that bytes in memory can have. */
const MAX_VARINT_BYTES = 6

/**
 * The `count` tags that the bytes encode. Throws `invalid-item` on anything that `encodeTags` would not have written.
 * Time and memory are linear in the bytes given, whatever numbers stand in them.
 */
export function decodeTags(bytes: Buffer, count: number): Tag[] {
  if (count === 0) {
    if (bytes.length !== 0) throw refusal('The data item has bytes for tags, but no tags.')
    return []
  }
  // Before anything is made: a tag takes two bytes or more, the block's count and the end one each.
  if (count > (bytes.length - 2) / 2) throw refusal('The data item has fewer tags than it says.')

  let position = 0
  const readVarint = (): number => {
    let number = 0
    let factor = 1
    for (let read = 0; read < MAX_VARINT_BYTES; read++) {
      const byte = bytes[position++]
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
  const readText = (): string => {
    const length = readVarint()
    if (length > bytes.length - position) throw refusal('A tag ends behind the end of the tags.')
    const start = position
    position += length
    const text = bytes.toString('utf8', start, position)
    // What is not UTF-8 always reads as U+FFFD, so only a text with one needs the exact question.
    if (text.includes('\uFFFD') && !isUtf8(bytes.subarray(start, position))) throw refusal('A tag is not valid UTF-8.')
    return text
  }

  if (readVarint() !== count) throw refusal('The data item has another number of tags than it says.')
  const tags: Tag[] = []
  for (let read = 0; read < count; read++) tags.push({ name: readText(), value: readText() })
  if (position !== bytes.length - 1 || bytes[position] !== 0) throw refusal('The tags do not end where they should.')
  return tags
}
