/** What an answer says of how long it may be kept (contract, "A page of the schedule"), and what is asked again by its name. */
import type { Context } from 'hono'

/**
 * Raised when the bytes of what is served change though the log has not, so that nobody is told that what he has is what
 * he would get.
 */
const FORMAT = 1

const A_YEAR_S = 31_536_000

/**
 * The strong entity tag of an immutable answer.
 *
 * @param generation of the log, ms (`core/ports/log-identity.ts`): a restored log may answer otherwise than before
 * @param parts all else that its bytes depend on
 */
export const entityTag = (generation: number, parts: readonly (string | number)[]): string =>
  `"${[FORMAT, generation.toString(36), ...parts].join('.')}"`

/**
 * @param tag `entityTag` of an answer that can never change
 * @param compressed its bytes then depend on the compressor too: the name says no more than that the content is the same
 */
export const keptForGood = (tag: string, compressed = false) => ({
  'cache-control': `public, max-age=${A_YEAR_S}, immutable`,
  etag: compressed ? `W/${tag}` : tag,
})

/** Whether the client has the answer of that name already (`If-None-Match`, weak comparison). */
export function isKnown(c: Context, tag: string): boolean {
  const known = c.req.header('if-none-match')
  if (known === undefined) return false
  return known.split(',').some((one) => {
    const name = one.trim().replace(/^W\//, '')
    return name === tag || name === '*'
  })
}
