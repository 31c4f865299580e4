import { describe, expect, it } from 'vitest'
import { candidates, fewest } from '../../../core/placement/choose.ts'
import { idOf, openUnits, owner, unit } from './units.ts'

const urls = (units: readonly { url: string }[]) => units.map(({ url }) => url)
const pinned = { wallets: new Set([owner]) }

describe('who may get a process', () => {
  const among = (units: Parameters<typeof candidates>[0], refusedBy: string[] = [], dead: string[] = []) => {
    const { units: left, refusedBy: counts } = candidates(units, owner, refusedBy, new Set(dead))
    return [urls(left), counts]
  }

  it('is every unit that takes routes, and not wallets only', () => {
    const units = [unit('a'), unit('b', { routed: false }), unit('c', { walletsOnly: true }), unit('d')]
    expect(among(units)).toEqual([['a', 'd'], []])
    expect(among([])).toEqual([[], []])
  })

  it('is the first unit that the owner is pinned to, if that takes routes', () => {
    expect(among([unit('a'), unit('b', pinned), unit('c', pinned)])).toEqual([['b'], []])
    expect(among([unit('a'), unit('b', { ...pinned, walletsOnly: true })])).toEqual([['b'], []])
    expect(among([unit('a'), unit('b', { ...pinned, routed: false }), unit('c', pinned)])).toEqual([['c'], []])
    expect(among([unit('a'), unit('b', { wallets: new Set([idOf('another wallet')]) })])).toEqual([['a', 'b'], []])
  })

  it('is nobody who has refused, unless all have', () => {
    const units = [unit('a'), unit('b'), unit('c', pinned), unit('d', { routed: false })]
    expect(among(units, ['a'])).toEqual([['c'], ['a']])
    expect(among(units, ['c'])).toEqual([['a', 'b'], ['c']])
    expect(among(units, ['c', 'a'])).toEqual([['b'], ['c', 'a']])
    expect(among(units, ['c', 'a', 'b'])).toEqual([['c'], []])
    expect(among(units, ['gone', 'c', 'a', 'b'])).toEqual([['c'], []])
    expect(among([unit('a')], ['a'])).toEqual([['a'], []])
  })

  it('is no unit that is dead, not even as the last one left or for its own wallets', () => {
    const units = [unit('a'), unit('b'), unit('c', pinned)]
    expect(among(units, [], ['c'])).toEqual([['a', 'b'], []])
    expect(among(units, ['a', 'b'], ['c'])).toEqual([['a', 'b'], []])
    expect(among(units, ['a'], ['b', 'c'])).toEqual([['a'], []])
    expect(among(units, [], ['a', 'b', 'c'])).toEqual([[], []])
  })
})

describe('the one with the fewest', () => {
  it('is the one with the fewest', () => {
    const has = new Map([
      ['a', 3],
      ['b', 1],
      ['c', 2],
    ])
    expect(fewest([unit('a'), unit('b'), unit('c')], idOf(1), (url) => has.get(url) ?? 0)).toBe('b')
    expect(fewest([], idOf(1), () => 0)).toBeUndefined()
  })

  it('of equals differs from process to process, and not by the order of the list', () => {
    const units = openUnits(4)
    const chosen = new Map<string | undefined, number>()
    for (let i = 0; i < 400; i++) {
      const first = fewest(units, idOf(i), () => 7)
      expect(fewest([...units].reverse(), idOf(i), () => 7)).toBe(first)
      chosen.set(first, (chosen.get(first) ?? 0) + 1)
    }
    for (const { url } of units) expect(chosen.get(url)).toBeGreaterThan(60)
  })
})
