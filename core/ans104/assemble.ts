/** Writes a data item's bytes from its parts. */
import { SchedulerError } from '../errors.ts'
import { signatureTypes } from './signature-types.ts'
import { encodeTags, type Tag } from './tags.ts'
import { writeUInt64 } from './uint64.ts'

/** All that a data item's bytes depend on. The same parts always give the same bytes. */
export interface DataItemParts {
  signatureType: number
  signature: Buffer
  /** The public key. */
  owner: Buffer
  /** 32 bytes, or none (empty or absent). */
  target?: Buffer
  /** 32 bytes, or none (empty or absent). */
  anchor?: Buffer
  tags: readonly Tag[]
  data?: Buffer
}

/** The raw data item. Throws `invalid-item` when a part has not its length. Whether the signature fits is not asked. */
export function assembleDataItem(parts: DataItemParts): Buffer {
  const { signatureType, signature, owner } = parts
  const lengths = signatureTypes.get(signatureType)
  if (lengths === undefined) throw new SchedulerError('invalid-item', `Signature type ${signatureType} is not known.`)
  if (signature.length !== lengths.signature || owner.length !== lengths.owner) {
    throw new SchedulerError(
      'invalid-item',
      `With signature type ${signatureType} (${lengths.name}) a signature has ${lengths.signature} bytes and an owner ${lengths.owner}.`,
    )
  }
  const tags = encodeTags(parts.tags)
  const counts = Buffer.alloc(16)
  writeUInt64(counts, 0, parts.tags.length)
  writeUInt64(counts, 8, tags.length)
  return Buffer.concat([
    Buffer.from([signatureType, 0]),
    signature,
    owner,
    ...optional(parts.target, 'target'),
    ...optional(parts.anchor, 'anchor'),
    counts,
    tags,
    parts.data ?? Buffer.alloc(0),
  ])
}

function optional(bytes: Buffer | undefined, what: string): Buffer[] {
  if (bytes === undefined || bytes.length === 0) return [Buffer.from([0])]
  if (bytes.length !== 32) throw new SchedulerError('invalid-item', `A data item's ${what} has 32 bytes, or none.`)
  return [Buffer.from([1]), bytes]
}
