/**
 * ANS-104 data items as the bundler stand-in reads them: on its own, so that a mistake of the unit's codec does not
 * hide itself. It checks the shape, not the signature.
 */
import { createHash } from 'node:crypto'

export interface Tag {
  name: string
  value: string
}

/** All strings but the tags' are base64url. */
export interface ParsedItem {
  id: string
  signature: string
  owner: string
  target: string
  anchor: string
  tags: Tag[]
  data: Buffer
}

/** Lengths of signature and owner, by signature type (ANS-104). */
const lengths: Record<number, [signature: number, owner: number]> = {
  1: [512, 512],
  2: [64, 32],
  3: [65, 65],
  4: [64, 32],
  5: [64, 32],
  6: [2052, 1025],
  7: [65, 42],
}

/** Throws an Error that says what is wrong. */
export const parseItem = (raw: Buffer): ParsedItem => {
  const reader = new Reader(raw)
  const type = reader.take(2).readUInt16LE()
  const [signatureLength, ownerLength] = lengths[type] ?? fail(`signature type ${type} is not taken`)
  const signature = reader.take(signatureLength)
  const owner = reader.take(ownerLength)
  const target = reader.optional('target')
  const anchor = reader.optional('anchor')
  const count = reader.length()
  const bytes = reader.length()
  const tags = parseTags(reader.take(bytes), count)
  return {
    id: createHash('sha256').update(signature).digest('base64url'),
    signature: signature.toString('base64url'),
    owner: owner.toString('base64url'),
    target: target.toString('base64url'),
    anchor: anchor.toString('base64url'),
    tags,
    data: reader.rest(),
  }
}

/** Avro's array of records, in the one way that signers write it: a single block. */
const parseTags = (bytes: Buffer, count: number): Tag[] => {
  const reader = new Reader(bytes)
  const tags: Tag[] = []
  if (bytes.length === 0 && count === 0) return tags
  const inBlock = reader.long()
  if (inBlock !== count) fail(`${count} tags are announced, ${inBlock} are there`)
  for (let left = inBlock; left > 0; left--) tags.push({ name: reader.string(), value: reader.string() })
  if (inBlock > 0 && reader.long() !== 0) fail('the tags are not one block')
  if (reader.rest().length > 0) fail('bytes follow the tags')
  return tags
}

const fail = (reason: string): never => {
  throw new Error(`Not a data item: ${reason}`)
}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) fail('it ends too early')
    const taken = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return taken
  }

  rest(): Buffer {
    return this.take(this.#bytes.length - this.#at)
  }

  /** A byte that says whether 32 bytes follow. */
  optional(name: string): Buffer {
    const present = this.take(1).readUInt8()
    if (present > 1) fail(`the presence byte of the ${name} is ${present}`)
    return this.take(present * 32)
  }

  length(): number {
    const value = this.take(8).readBigUInt64LE()
    return value > BigInt(this.#bytes.length) ? fail('a length is larger than the item') : Number(value)
  }

  /** A zigzag number of at most five bytes, not negative, without needless bytes. */
  long(): number {
    let value = 0
    for (let index = 0; index < 5; index++) {
      const byte = this.take(1).readUInt8()
      value += (byte & 0x7f) * 2 ** (7 * index)
      if (byte & 0x80) continue
      if (byte === 0 && index > 0) fail('a number in the tags has needless bytes')
      if (value % 2 === 1) fail('a number in the tags is negative')
      return value / 2
    }
    return fail('a number in the tags is too long')
  }

  string(): string {
    return this.take(this.long()).toString()
  }
}
