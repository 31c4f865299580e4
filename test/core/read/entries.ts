/** Histories and questions as fast-check makes them. */
import fc from 'fast-check'
import type { PageQuery } from '../../../core/read/query.ts'
import { type Entry, idFrom, partsFrom } from './history.ts'

const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array))
const anchor = fc.oneof(fc.constant(Buffer.alloc(0)), bytes(32), fc.constant(Buffer.alloc(32, 'a')))
const target = fc.oneof(fc.constant(Buffer.alloc(0)), bytes(32))
const tags = fc.array(fc.record({ name: fc.string({ unit: 'binary' }), value: fc.string({ unit: 'binary' }) }), {
  maxLength: 3,
})
const data = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array)),
  fc.integer({ min: 0, max: 5000 }).map((length) => Buffer.alloc(length, 'x')),
)
const owner = fc.constantFrom(Buffer.alloc(512, 1), Buffer.alloc(512, 2))

const entry = fc.record({
  kind: fc.constantFrom('message' as const, 'message' as const, 'transaction' as const),
  // Mostly rising; now and then standing still or falling, as in migrated histories.
  step: fc.constantFrom(1, 1, 3, 10, 0, 0, 0, -4),
  parts: fc.record({ anchor, target, tags, data, owner }),
  assignmentAnchor: anchor,
  outer: fc.constantFrom(false, false, false, true),
  blob: fc.boolean(),
})

export type Entries = [Entry, ...Entry[]]

/** @param length of the history, which repeats what was made up for it; none: that is all of it */
const entriesOf = (made: { minLength: number; maxLength: number }, length: fc.Arbitrary<number | undefined>) =>
  fc
    .record({
      process: fc.record({ anchor, target, tags, data, owner }),
      assigned: fc.boolean(),
      made: fc.array(entry, made),
      length,
    })
    .map(({ process, assigned, made, length = made.length }): Entries => {
      const steps = Array.from({ length }, (_, at) => made.slice(at % made.length)).flatMap((rest) => rest.slice(0, 1))
      let timestamp = 1000
      const first: Entry = {
        kind: 'process',
        timestamp,
        item: partsFrom('process', process),
        assignment: assigned ? partsFrom('assignment of the process', { anchor: process.anchor }) : undefined,
        blob: process.data.length > 1000,
      }
      const rest = steps.map(({ kind, step, parts, assignmentAnchor, outer, blob }, index): Entry => {
        timestamp += step
        return {
          kind,
          timestamp,
          item: kind === 'transaction' ? undefined : partsFrom(`message ${index}`, parts),
          transaction: idFrom(`transaction ${index}`),
          assignment: partsFrom(`assignment ${index}`, {
            anchor: assignmentAnchor,
            tags: [{ name: 'Nonce', value: String(index) }],
            data: outer ? Buffer.from('a bundle') : Buffer.alloc(0),
          }),
          blob,
        }
      })
      return [first, ...rest]
    })

/** The process, and up to 40 messages and assigned transactions. */
export const entries = entriesOf({ minLength: 0, maxLength: 40 }, fc.constant(undefined))

/** So long that blocks of it can be packed. */
export const longEntries = entriesOf({ minLength: 1, maxLength: 24 }, fc.integer({ min: 250, max: 560 }))

/** @param nonces and timestamps up to which it makes sense to ask */
const queryUpTo = (lastNonce: number, lastTimestamp: number) => {
  const timestamp = fc.oneof(
    fc.integer({ min: 990, max: lastTimestamp }),
    fc.constantFrom(0, -1, 2 ** 53 - 1, -(2 ** 53) + 1),
  )
  const nonce = fc.oneof(fc.integer({ min: -3, max: lastNonce }), fc.constantFrom(2 ** 31 - 1, -(2 ** 31)))
  const limit = fc.oneof(fc.integer({ min: 1, max: lastNonce }), fc.constant(2 ** 31 - 1))
  return fc
    .record({ limit, showAnchor: fc.boolean() })
    .chain((rest) =>
      fc
        .oneof(
          fc.record(
            { by: fc.constant('timestamp' as const), from: timestamp, to: timestamp },
            { requiredKeys: ['by'] },
          ),
          fc.record({ by: fc.constant('nonce' as const), from: nonce, to: nonce }, { requiredKeys: ['by'] }),
        )
        .map((bounds): PageQuery => ({ ...rest, ...bounds })),
    )
}

export const limit = fc.oneof(fc.integer({ min: 1, max: 45 }), fc.constant(2 ** 31 - 1))
export const pageQuery = queryUpTo(45, 1120)
export const longPageQuery = queryUpTo(570, 1900)

/** As in the URL. */
export const parametersOf = ({ by, from, to, limit, showAnchor }: PageQuery): string => {
  const suffix = by === 'nonce' ? '-nonce' : ''
  return [
    `limit=${limit}`,
    ...(from === undefined ? [] : [`from${suffix}=${from}`]),
    ...(to === undefined ? [] : [`to${suffix}=${to}`]),
    ...(showAnchor ? ['show-anchor'] : []),
  ].join('&')
}

export const maxPageBytes = fc.oneof(fc.integer({ min: 1, max: 60_000 }), fc.constant(5_000_000))
