/** A unit's side of its placements where only the router can be asked: ENABLE_ROUTER_CHECK (contract, "Router"). */
import { idBytes } from '../core/ans104/base64url.ts'
import { SchedulerError } from '../core/errors.ts'
import type { OwnPlacement } from '../core/ports/own-placement.ts'
import { ask, below, discard, request, type Service, trouble } from './service.ts'

/** Says that it is a unit that asks where it would be sent: it must not be passed on to itself. */
export const CHECK_HEADER = 'x-router-check'

export interface RouterCheckOptions {
  /** ROUTER_URL */
  routerUrl: string
  /** The unit's own address (URL). */
  ownUrl: string
  /** How long the question may take, all attempts together, ms. */
  deadlineMs?: number
}

const REDIRECTS = [301, 302, 303, 307, 308]
/** Says nothing about the process: too many requests, or a router in trouble. */
const isTrouble = (status: number): boolean => status >= 500 || status === 429

/**
 * The router's word is taken only where it redirects to this unit. Any other answer refuses the spawn, whatever its status: a router
 * that does not know the process, sends it elsewhere or answers itself is not one that has placed it here. A router that does
 * not answer, or says that it cannot (429, 5xx), has said nothing: `unavailable`, and the spawn may be tried again.
 */
export function createRouterCheck({ routerUrl, ownUrl, deadlineMs = 8_000 }: RouterCheckOptions): OwnPlacement {
  const router: Service = { name: 'The router', deadlineMs, attemptMs: deadlineMs / 2 }
  const own = new URL(ownUrl).origin

  return {
    async claim(process) {
      idBytes(process)
      const url = below(routerUrl, process)
      url.searchParams.set('process-id', process)
      await ask(router, async (signal) => {
        const response = await request(router, url, {
          redirect: 'manual',
          headers: { [CHECK_HEADER]: '1' },
          signal,
        })
        if (isTrouble(response.status)) throw await trouble(router, response)
        await discard(response)
        if (targetOf(response, url) === own) return
        throw new SchedulerError('invalid-message', `The router does not send the process ${process} to this unit`)
      })
    },

    // The router is told nothing: it places the spawn here again.
    refuse: async () => {},
    // Nobody could be asked that would know: only the table of placements does.
    check: async () => {},
  }
}

/** Origin of where a redirect leads; undefined where it is none. */
function targetOf(response: Response, asked: URL): string | undefined {
  const location = response.headers.get('location')
  if (!REDIRECTS.includes(response.status) || location === null) return undefined
  return URL.parse(location, asked.href)?.origin
}
