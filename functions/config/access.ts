/** Who may use the unit, or the router: the lists that are fetched. */
import * as v from 'valibot'
import { httpUrl } from './variables.ts'

const lists = {
  IP_WHITELIST_URL: v.optional(httpUrl),
  PROCESS_WHITELIST_URL: v.optional(httpUrl),
}

export const access = v.pipe(
  v.object({ ...lists, URL: v.optional(httpUrl) }),
  v.rawTransform(({ dataset: { value: env }, addIssue, NEVER }) => {
    const { IP_WHITELIST_URL: ipListUrl, PROCESS_WHITELIST_URL: url, URL: ownUrl } = env
    if (url === undefined) return { ipListUrl, processList: undefined }
    if (ownUrl === undefined) {
      addIssue({
        message:
          "URL is missing: where PROCESS_WHITELIST_URL is set, set it to this unit's own address as that list has it.",
      })
      return NEVER
    }
    return { ipListUrl, processList: { url, ownUrl } }
  }),
)

/** On a router a process is allowed where the list has it at all, whichever unit it names. */
export const routerAccess = v.pipe(
  v.object(lists),
  v.transform(({ IP_WHITELIST_URL: ipListUrl, PROCESS_WHITELIST_URL: url }) => ({
    ipListUrl,
    processList: url === undefined ? undefined : { url },
  })),
)
