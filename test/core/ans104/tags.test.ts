import { deserializeTags, serializeTags } from 'arbundles'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeTags, encodeTags, firstValue, tagValue } from '../../../core/ans104/tags.ts'
import { runs } from '../../effort.ts'
import { tags } from './arbitraries.ts'
import { refusal } from './recorded.ts'

/** Zigzag varint of any integer, of as many bytes as asked for: also what no encoder would write. */
function varint(number: bigint, minBytes = 1): number[] {
  let rest = number < 0n ? -number * 2n - 1n : number * 2n
  const bytes: number[] = []
  do {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  } while (rest > 0n || bytes.length < minBytes)
  bytes.push((bytes.pop() ?? 0) & 0x7f)
  return bytes
}

const text = (value: string) => [...varint(BigInt(Buffer.byteLength(value))), ...Buffer.from(value)]
const decoded = (bytes: number[], count: number) => () => decodeTags(Buffer.from(bytes), count)

describe('encoded tags', () => {
  it('are those of arbundles, both ways', () => {
    fc.assert(
      fc.property(tags, (list) => {
        const bytes = encodeTags(list)
        if (list.length > 0) {
          expect(bytes).toEqual(serializeTags(list))
          expect(deserializeTags(bytes)).toEqual(list)
        }
        expect(decodeTags(bytes, list.length)).toEqual(list)
      }),
    )
  })

  it('give the value of the first tag of some names as the decoded ones do', () => {
    fc.assert(
      fc.property(tags, fc.array(fc.constantFrom('Type', 'type', 'ż', ''), { maxLength: 8 }), (list, names) => {
        const all = [...list, ...names.map((name, index) => ({ name, value: String(index) }))]
        const encoded = { rawTags: encodeTags(all), tagCount: all.length }
        for (const wanted of [['Type', 'type'], ['ż'], [''], ['none'], all.slice(0, 1).map(({ name }) => name)]) {
          expect(firstValue(encoded, ...wanted)).toBe(all.find(({ name }) => wanted.includes(name))?.value)
        }
      }),
    )
  })

  it('are no bytes for no tags', () => {
    expect(encodeTags([])).toHaveLength(0)
    expect(decodeTags(Buffer.alloc(0), 0)).toEqual([])
  })

  it('have no limit of number, length or emptiness', () => {
    const long = [{ name: 'n'.repeat(70_000), value: 'ż'.repeat(1_500_000) }]
    expect(decodeTags(encodeTags(long), 1)).toEqual(long)
    const many = Array.from({ length: 50_000 }, (_, index) => ({ name: '', value: index % 2 ? '' : String(index) }))
    expect(decodeTags(encodeTags(many), many.length)).toEqual(many)
  })

  it('keep a byte-order mark, a NUL and U+FFFD', () => {
    const odd = [{ name: '\uFEFFname', value: '\0\uFFFD\u{1F680}' }]
    expect(decodeTags(encodeTags(odd), 1)).toEqual(odd)
  })

  it('are refused where half a surrogate pair would change on the way', () => {
    expect(() => encodeTags([{ name: 'a', value: '\uD83D' }])).toThrow(refusal(/Unicode/))
  })

  it('are refused in every form but the canonical one', () => {
    const tag = [...text('a'), ...text('b')]
    expect(decoded([2, ...tag, 0], 1)()).toEqual([{ name: 'a', value: 'b' }])
    // Two blocks; a block with its size; a block that is empty; a longer count, length or end; no end; more than the end.
    expect(decoded([2, ...tag, 2, ...tag, 0], 2)).toThrow(refusal(/another number/))
    expect(decoded([...varint(-1n), ...varint(4n), ...tag, 0], 1)).toThrow(refusal(/negative/))
    expect(decoded([0, 0, 0, 0], 1)).toThrow(refusal(/another number/))
    expect(decoded([...varint(1n, 2), ...tag, 0], 1)).toThrow(refusal(/longer than it need be/))
    expect(decoded([2, ...varint(1n, 3), 0x61, ...text('b'), 0], 1)).toThrow(refusal(/longer than it need be/))
    expect(decoded([2, ...tag, 0x80, 0], 1)).toThrow(refusal(/do not end/))
    expect(decoded([2, ...tag], 1)).toThrow(refusal(/do not end/))
    expect(decoded([2, ...tag, 0, 0], 1)).toThrow(refusal(/do not end/))
    expect(decoded([0], 0)).toThrow(refusal(/no tags/))
    expect(decoded([], 1)).toThrow(refusal(/fewer tags/))
    expect(decoded([0], 1)).toThrow(refusal(/fewer tags/))
  })

  it('are refused where a name or value is not UTF-8', () => {
    for (const bad of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
      const string = [...varint(BigInt(bad.length)), ...bad]
      expect(decoded([2, ...string, ...text('b'), 0], 1)).toThrow(refusal(/UTF-8/))
      expect(decoded([2, ...text('a'), ...string, 0], 1)).toThrow(refusal(/UTF-8/))
    }
    // Neither half is UTF-8, though what both make together is.
    expect(decoded([2, 2, 0xc3, 2, 0xb3, 0], 1)).toThrow(refusal(/UTF-8/))
  })

  it.each([
    ['a negative length', [2, ...varint(-1n), 0x61, 2, 0x62, 0], 1, /negative/],
    ['the most negative length', [2, ...varint(-(2n ** 40n)), 0, 0, 0], 1, /negative|too large/],
    ['a length past the end', [2, ...varint(6n), 0x61, 2, 0x62, 0], 1, /behind the end/],
    ['a length of 2^31', [2, ...varint(2n ** 31n), 0x61, 2, 0x62, 0], 1, /behind the end/],
    ['a length of 2^32', [2, ...varint(2n ** 32n), 0x61, 2, 0x62, 0], 1, /behind the end/],
    ['a length of 2^63 - 1', [2, ...varint(2n ** 63n - 1n), 0x61, 2, 0x62, 0], 1, /too large/],
    ['a number without an end', [2, ...new Array(64).fill(0xff)], 1, /too large/],
    ['a number cut off', [2, 2, 0x61, 0x80], 1, /middle of a number/],
    ['a huge count', [...varint(2n ** 31n), 0, 0, 0, 0], 2 ** 31, /fewer tags/],
    ['a count beyond all numbers', [2, 0, 0, 0], 2 ** 64, /fewer tags/],
    ['a count above the block', [2, 0, 0, 0, 0, 0], 2, /another number/],
    ['a count below the block', [4, 0, 0, 0, 0, 0], 1, /another number/],
  ])('are refused at once for %s', (_, bytes, count, message) => {
    expect(decoded(bytes, count)).toThrow(refusal(message))
  })

  it('never decode to what would be encoded otherwise', () => {
    const token = fc.oneof(fc.constantFrom([0], [2], [4], [0x61], [0x80], [0xff]), fc.uint8Array({ maxLength: 3 }))
    fc.assert(
      fc.property(fc.array(token, { maxLength: 12 }), fc.nat(4), (tokens, count) => {
        const bytes = Buffer.concat(tokens.map((part) => Buffer.from(part)))
        let list: ReturnType<typeof decodeTags>
        try {
          list = decodeTags(bytes, count)
        } catch (error) {
          expect(error).toEqual(refusal(/./))
          return
        }
        expect(list).toHaveLength(count)
        expect(encodeTags(list)).toEqual(bytes)
      }),
      { numRuns: runs(5_000, 1_500) },
    )
  })
})

describe('tagValue', () => {
  it('is the first of several', () => {
    const list = [
      { name: 'a', value: '1' },
      { name: 'A', value: '2' },
      { name: 'a', value: '3' },
    ]
    expect(tagValue(list, 'a')).toBe('1')
    expect(tagValue(list, 'A')).toBe('2')
    expect(tagValue(list, 'b')).toBeUndefined()
  })
})
