/** How long an answer may be kept (contract, "A page of the schedule"), and its entity tag. */
import type { Context } from 'hono'
import { RENDERING } from '../../core/read/render.ts'

const A_YEAR_S = 31_536_000

/**
 * The strong entity tag of an immutable answer.
 *
 * @param generation of the log, ms (`core/ports/log-identity.ts`): a restored log may answer otherwise than before
 * @param parts all else that its bytes depend on
 */
export const entityTag = (generation: number, parts: readonly (string | number)[]): string =>
  `"${[RENDERING, generation.toString(36), ...parts].join('.')}"`

/** @param tag `entityTag` of an immutable answer, which must be complete (`sending.ts`) */
export const keptForGood = (tag: string) => ({ 'cache-control': `public, max-age=${A_YEAR_S}, immutable`, etag: tag })

/** Whether the client has the answer of that name already (`If-None-Match`, weak comparison). */
export function isKnown(c: Context, tag: string): boolean {
  const known = c.req.header('if-none-match')
  if (known === undefined) return false
  return known.split(',').some((one) => {
    const name = one.trim().replace(/^W\//, '')
    return name === tag || name === '*'
  })
}
