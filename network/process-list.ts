/** Which unit serves which process: the allow-list of `contract`, "Lists that are fetched". */
import * as v from 'valibot'
import type { ProcessAccess } from '../core/ports/lists.ts'

/** What judges a process. */
export type ProcessJudge = (process: string) => ProcessAccess

const NONE: ProcessAccess = { read: false, write: false }

/**
 * @param ownUrl this unit's address as the list names it; a trailing slash makes no difference. Undefined: a router, which
 *   allows what is listed at all
 */
export function processList(ownUrl: string | undefined) {
  const own = ownUrl === undefined ? undefined : canonicalUnit(ownUrl)
  return v.pipe(
    v.object({
      processes: v.record(v.string(), v.object({ su: v.string(), read_only: v.optional(v.boolean(), false) })),
    }),
    v.transform(({ processes }): ProcessJudge => {
      const access = new Map(
        Object.entries(processes)
          .filter(([, { su }]) => own === undefined || canonicalUnit(su) === own)
          .map(([process, { read_only }]) => [process, { read: true, write: !read_only }]),
      )
      return (process) => access.get(process) ?? NONE
    }),
  )
}

/** A unit’s address in the one form in which two of them are compared. */
export const canonicalUnit = (url: string) => (URL.parse(url)?.href ?? url).replace(/\/+$/, '')
