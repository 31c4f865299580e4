import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase64url, idBytes, idOf, isId } from '../../../core/ans104/base64url.ts'
import { bytes, bytes32 } from './arbitraries.ts'

const id = 'e2PZ-kQ5Q_MqXyPzTuhdLAgzsGAlBLWYN0wH3PXNArc'

describe('base64url', () => {
  it('gives back the bytes that were written', () => {
    fc.assert(fc.property(bytes(100), (value) => decodeBase64url(value.toString('base64url'))?.equals(value) === true))
  })

  it('takes one text for each bytes only', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (value) => {
        const decoded = decodeBase64url(value)
        return decoded === undefined || decoded.toString('base64url') === value
      }),
    )
    for (const text of ['AA==', 'AB', 'A', '+/+/', 'AA AA', 'AAAA\n', 'ąAAA'])
      expect(decodeBase64url(text)).toBeUndefined()
    expect(decodeBase64url('')).toEqual(Buffer.alloc(0))
  })

  it('knows an id by its 43 canonical characters', () => {
    fc.assert(
      fc.property(bytes32, (value) => {
        const name = value.toString('base64url')
        return isId(name) && idBytes(name).equals(value)
      }),
    )
    fc.assert(fc.property(fc.base64String(), (value) => isId(value) === (decodeBase64url(value)?.length === 32)))
    expect(isId(id)).toBe(true)
    for (const text of [
      '',
      id.slice(1),
      `${id}A`,
      `${id}\n`,
      `${id.slice(0, 42)}d`,
      `${id.slice(0, 42)}=`,
      `+${id.slice(1)}`,
    ]) {
      expect(isId(text)).toBe(false)
      expect(() => idBytes(text)).toThrow(expect.objectContaining({ code: 'invalid-request' }))
    }
  })

  it('makes the id of a signature', () => {
    const signature = Buffer.from('a signature')
    expect(idOf(signature)).toBe(createHash('sha256').update(signature).digest('base64url'))
  })
})
