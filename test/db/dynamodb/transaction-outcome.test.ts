/** What a cancelled transaction means, for every combination of codes by row: DynamoDB Local reports a few of them only. */
import type { CancellationReason } from '@aws-sdk/client-dynamodb'
import { marshall } from '@aws-sdk/util-dynamodb'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ItemName, Standing } from '../../../core/ports/log-store.ts'
import { toHeadRow } from '../../../db/dynamodb/head-row.ts'
import { commitOutcome, spawnOutcome } from '../../../db/dynamodb/transaction-outcome.ts'
import { bareHead, randomId } from '../../suites/commits.ts'

const refused = 'ConditionalCheckFailed'
const codes = ['None', refused, 'TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'] as const
const rows = ['record', 'item', 'assignment', 'deep hash'] as const
type Row = (typeof rows)[number]

const process = randomId()
const head = bareHead(process)
const by = Buffer.alloc(32, 7)
const place = { assignment: by.toString('base64url'), nonce: 5, timestamp: 1 }
const link = { kind: 'message', id: randomId(), deepHash: { hash: 'h'.repeat(64), claimed: true } } as const
const other: ItemName = { kind: 'message', id: randomId() }

const itemOf = (row: Row, owner?: ItemName) => ({
  id: row === 'item' ? link.id : link.deepHash.hash,
  at: `${row === 'item' ? 'posted' : 'deep-hash'}#${process}`,
  nonce: 5,
  time: 1,
  by,
  ...(owner && { owner: `5#${owner.kind === 'message' ? 'posted' : 'assigned'}#${owner.id}` }),
})

/** A reason as DynamoDB gives it: a refused row comes with what stands there, where that was asked for. */
function reason(Code: string, row?: Row, owner?: ItemName): CancellationReason {
  if (Code !== refused || row === 'record' || row === 'assignment') return { Code }
  return { Code, Item: row === undefined ? toHeadRow(head) : marshall(itemOf(row, owner)) }
}

function every<T>(count: number, values: readonly T[]): T[][] {
  return count === 0 ? [[]] : every(count - 1, values).flatMap((some) => values.map((value) => [...some, value]))
}

/** What the outcome must be, by what each row alone proves. */
function expected(vector: readonly string[], links: number, owner: ItemName | undefined) {
  const [atHead, ...others] = vector
  const perLink = Array.from({ length: links }, (_, i) => others.slice(4 * i, 4 * i + 4))
  const refusals = new Map(
    perLink.flatMap(([, item, , deepHash], index): [number, Standing][] => {
      if (item === refused) return [[index, { kind: 'scheduled', place }]]
      if (deepHash !== refused || owner?.id === link.id) return []
      return [[index, { kind: 'deep-hash', place, ...(owner && { owner }) }]]
    }),
  )
  const moved = atHead === refused ? { head } : {}
  if (refusals.size > 0) return { kind: 'refused', refusals, ...moved }
  if (atHead === refused) return { kind: 'head-moved', head }
  return atHead === 'None' && perLink.some(([record]) => record === refused) ? 'inconsistent' : { kind: 'busy' }
}

function outcomeOf(vector: readonly string[], links: number, owner: ItemName | undefined) {
  const reasons = vector.map((code, i) => reason(code, i === 0 ? undefined : rows[(i - 1) % 4], owner))
  try {
    return commitOutcome(
      reasons,
      Array.from({ length: links }, () => link),
    )
  } catch (error) {
    expect(String(error)).toContain('a record is beyond its head')
    return 'inconsistent'
  }
}

describe('a cancelled commit', () => {
  it.each([
    ['another item', other],
    ['the item itself', { kind: link.kind, id: link.id }],
    ['an item that it does not name', undefined],
  ] as const)('of one link, each code at each row; the deep hash is of %s', (_, owner) => {
    for (const vector of every(5, codes)) {
      expect(outcomeOf(vector, 1, owner), vector.join()).toEqual(expected(vector, 1, owner))
    }
  })

  it('of several links', () => {
    const vectors = fc
      .integer({ min: 1, max: 6 })
      .chain((links) => fc.array(fc.constantFrom(...codes), { minLength: 1 + 4 * links, maxLength: 1 + 4 * links }))
    fc.assert(
      fc.property(vectors, fc.constantFrom(other, undefined), (vector, owner) => {
        const links = (vector.length - 1) / 4
        expect(outcomeOf(vector, links, owner)).toEqual(expected(vector, links, owner))
      }),
    )
  })

  it('of links without a deep hash: their rows are three', () => {
    const plain = { kind: 'message', id: randomId() } as const
    const reasons = ['None', 'None', 'None', 'None', 'None', refused, 'None'].map((code, i) =>
      reason(code, i === 5 ? 'item' : undefined),
    )
    expect(commitOutcome(reasons, [plain, plain])).toEqual({
      kind: 'refused',
      refusals: new Map([[1, { kind: 'scheduled', place }]]),
    })
  })

  it('names no owner by a row that another nonce wrote', () => {
    const Item = marshall({ ...itemOf('deep hash', other), nonce: 4 })
    const reasons = ['None', 'None', 'None', 'None'].map((code) => reason(code))
    expect(commitOutcome([...reasons, { Code: refused, Item }], [link])).toEqual({
      kind: 'refused',
      refusals: new Map([[0, { kind: 'deep-hash', place: { ...place, nonce: 4 } }]]),
    })
  })

  it('over an invalid row is an error, whatever else is said', () => {
    const reasons = [reason('TransactionConflict'), { Code: 'ValidationError', Message: 'too large' }]
    expect(() => commitOutcome(reasons, [link])).toThrow('too large')
  })
})

describe('a cancelled spawn', () => {
  it.each([2, 3])('of %s rows, each code at each row', (count) => {
    for (const vector of every(count, codes)) {
      const [atHead, record] = vector
      const reasons = vector.map((code, i) => reason(code, i === 0 ? undefined : 'record'))
      const ask = () => spawnOutcome(reasons)
      if (atHead === refused) expect(ask()).toEqual({ kind: 'exists', head })
      else if (atHead === 'None' && record === refused) expect(ask).toThrow('a record is beyond its head')
      else expect(ask()).toEqual({ kind: 'busy' })
    }
  })
})
