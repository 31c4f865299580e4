/** Reads the query of a page (contract, "A page of the schedule"). Parameters that nobody knows are passed over. */
import { SchedulerError } from '../errors.ts'

export interface PageQuery {
  /** Edges at most, 1 or more. */
  limit: number
  /** An assignment's anchor that is not UTF-8 comes as base64url. */
  showAnchor: boolean
  /** What `from` and `to` are, and the cursors of the answer. */
  by: 'timestamp' | 'nonce'
  /** Exclusive: ms, or a nonce. */
  from?: number
  /** Inclusive: ms, or a nonce. */
  to?: number
}

export type PageForm = 'json' | 'bundle'

const DEFAULT_LIMIT = 100

/** Throws `invalid-request` with a sentence that names the parameter. */
export function parsePageQuery(params: URLSearchParams): PageQuery {
  const by = params.has('from-nonce') || params.has('to-nonce') ? 'nonce' : 'timestamp'
  const [fromName, toName, bits] = by === 'nonce' ? nonceParameters : timestampParameters
  const from = integer(params, fromName, bits)
  const to = integer(params, toName, bits)
  const limit = integer(params, 'limit', 32) ?? DEFAULT_LIMIT
  if (limit < 1) throw new SchedulerError('invalid-request', 'limit must be 1 or more.')
  return {
    limit,
    showAnchor: params.has('show-anchor'),
    by,
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  }
}

const nonceParameters = ['from-nonce', 'to-nonce', 32] as const
const timestampParameters = ['from', 'to', 64] as const

/** As the reference's own parser (Rust's `from_str`) takes them: a sign and leading zeros are fine, nothing else is. */
const decimal = /^[+-]?[0-9]+$/

/**
 * A signed integer of that many bits; undefined where the parameter is absent. One beyond what a number holds exactly is
 * taken to the nearest that it does: no record has a timestamp out there, so it is still beyond the same ones.
 */
export function integer(params: URLSearchParams, name: string, bits: 32 | 64): number | undefined {
  const [text, ...more] = params.getAll(name)
  if (text === undefined) return undefined
  if (more.length > 0) throw new SchedulerError('invalid-request', `${name} is given more than once.`)
  if (!decimal.test(text)) throw new SchedulerError('invalid-request', `${name} is not a whole number.`)
  const digits = text.replace(/^[+-]?0*/, '') || '0'
  // 19 digits are enough for 64 bits; a longer number need not be computed to be refused.
  const value = digits.length > 19 ? undefined : BigInt(text.startsWith('-') ? `-${digits}` : digits)
  if (value === undefined || BigInt.asIntN(bits, value) !== value) {
    throw new SchedulerError('invalid-request', `${name} is out of range: it is a signed number of ${bits} bits.`)
  }
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(value)))
}

/**
 * How a page is wanted: as the contract's JSON, or, with `format=bundle`, as one ANS-104 bundle. Any other format is a parameter
 * that nobody knows.
 */
export const parsePageForm = (params: URLSearchParams): PageForm =>
  params.get('format') === 'bundle' ? 'bundle' : 'json'
