/** Base64url without padding, strictly: a text stands for bytes only if these bytes would be written as that text. */
import { hash } from 'node:crypto'
import { SchedulerError } from '../errors.ts'

/**
 * The bytes that the text stands for; undefined when it is not canonical base64url. `Buffer.from` alone drops what it
 * does not know, so that many texts would name the same thing.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

// 43 characters carry 258 bits: in the last one the two lowest must be zero.
const id = /^[\w-]{42}[AEIMQUYcgkosw048]$/

/** Whether the text is an id or address: the canonical base64url of 32 bytes, 43 characters. */
export const isId = (text: string): boolean => id.test(text)

/** The 32 bytes of an id. Throws `invalid-request` when the text is none. */
export function idBytes(text: string): Buffer {
  if (!isId(text)) throw new SchedulerError('invalid-request', 'An id is 43 characters of base64url.')
  return Buffer.from(text, 'base64url')
}

/** The id of a data item with this signature (contract, "Words"). */
export const idOf = (signature: Buffer): string => hash('sha256', signature, 'base64url')
