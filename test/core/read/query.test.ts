/** What may stand in a page's query. The answers to the first two tables are the reference's own. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type PageQuery, parsePageQuery } from '../../../core/read/query.ts'
import { runs } from '../../effort.ts'

const parse = (text: string): PageQuery => parsePageQuery(new URLSearchParams(text))

describe("a page's query", () => {
  it.each<[string, Partial<PageQuery>]>([
    ['', { limit: 100, showAnchor: false, by: 'timestamp' }],
    ['process-id=x&proc-id=y&colour=red&limit=1', { limit: 1, by: 'timestamp' }],
    ['from=1700000000000&to=1800000000000&limit=1000', { limit: 1000, from: 1_700_000_000_000, to: 1_800_000_000_000 }],
    ['from=0', { from: 0 }],
    ['from=-1', { by: 'timestamp', from: -1 }],
    ['from-nonce=-1', { by: 'nonce', from: -1 }],
    ['from-nonce=-2&to-nonce=3', { by: 'nonce', from: -2, to: 3 }],
    ['to-nonce=6', { by: 'nonce', to: 6 }],
    ['from-nonce=2&from=1700000000000', { by: 'nonce', from: 2 }],
    ['from-nonce=2&from=yesterday&to=', { by: 'nonce', from: 2 }],
    ['to-nonce=2&from=1&from=2', { by: 'nonce', to: 2 }],
    ['show-anchor', { showAnchor: true }],
    ['show-anchor=0&show-anchor=1', { showAnchor: true }],
    ['limit=2147483647', { limit: 2_147_483_647 }],
    ['from=%2B007&limit=0005', { from: 7, limit: 5 }],
    ['from=-0', { from: 0 }],
    ['from=9223372036854775807', { from: Number.MAX_SAFE_INTEGER }],
    ['to=-9223372036854775808', { to: Number.MIN_SAFE_INTEGER }],
    ['from-nonce=-2147483648&to-nonce=2147483647', { from: -2_147_483_648, to: 2_147_483_647 }],
  ])('%s is taken', (text, expected) => {
    expect(parse(text)).toMatchObject(expected)
  })

  it.each([
    'limit=-1',
    'limit=0',
    'limit=ten',
    'limit=',
    'limit=1.5',
    'limit=2147483648',
    'limit=99999999999',
    'limit=1&limit=2',
    'from=yesterday',
    'from=',
    'from=1.5',
    'from=1e3',
    'from=0x10',
    'from=%201',
    'from=+1',
    'from=-',
    'from=\u0661',
    'from=9223372036854775808',
    'from=-9223372036854775809',
    'from=1&from=1',
    'to=tomorrow',
    'to=',
    'from-nonce=1.5',
    'from-nonce=99999999999',
    'from-nonce=',
    'from-nonce=1&to-nonce=x',
    'to-nonce=2147483648',
    'to-nonce=-2147483649',
  ])('%s is refused', (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'invalid-request' }))
  })

  it('says which parameter is wrong', () => {
    expect(() => parse('limit=0')).toThrow('limit must be 1 or more.')
    expect(() => parse('from=x')).toThrow('from is not a whole number.')
    expect(() => parse('to-nonce=2147483648')).toThrow('to-nonce is out of range')
  })

  it('gives safe integers or refuses, whatever stands there, and soon', () => {
    const value = fc.oneof(
      fc.string(),
      fc.bigInt().map(String),
      fc.string({ unit: fc.constantFrom('0', '1', '-', '+') }),
    )
    const name = fc.constantFrom('from', 'to', 'from-nonce', 'to-nonce', 'limit', 'show-anchor')
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), (pairs) => {
        try {
          const { limit, from = 0, to = 0 } = parsePageQuery(new URLSearchParams(pairs))
          expect([limit, from, to].every(Number.isSafeInteger)).toBe(true)
          expect(limit).toBeGreaterThan(0)
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid-request' })
        }
      }),
      { numRuns: runs(1_000, 500) },
    )
    // A parser that tries every way to split this would not end before the test's own limit.
    const long = '0'.repeat(1_000_000)
    expect(parse(`from=${long}1`).from).toBe(1)
    expect(() => parse(`from=${long}x`)).toThrow()
    expect(() => parse(`from=1${long}`)).toThrow()
  })
})
