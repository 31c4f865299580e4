/** Ranges of a source's message rows, as the Rust unit's `mig` took them. */
import { SchedulerError } from '../errors.ts'
import type { RowRange } from '../ports/migration-source.ts'

/**
 * `0`: all; `0-1000`: from the one to the other, both inclusive; `1000`: from there to the end. Fails with `invalid-request`, a
 * sentence that goes on after what the range was called.
 */
export function parseRange(text: string): RowRange {
  const [, first, last] = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(text) ?? []
  if (first === undefined) {
    throw wrong('must be rows of the messages: 0 for all of them, 0-1000 for some, 1000 for those from there on.')
  }
  const range: RowRange = { from: Number(first), ...(last !== undefined && { to: Number(last) }) }
  if (range.to !== undefined && range.to < range.from) throw wrong(`ends before it begins: ${text}.`)
  return range
}

/** Whether it is everything that there is. */
export const isEverything = ({ from, to }: RowRange): boolean => from === 0 && to === undefined

const wrong = (sentence: string) => new SchedulerError('invalid-request', sentence)
