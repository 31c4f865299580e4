/** How a request gets to the unit that it belongs to: by a redirect, or passed on. */
import type { Context } from 'hono'
import { CHECK_HEADER } from '../../network/router-check.ts'
import type { RouterParts } from './router-parts.ts'
import { addressAt, createPassOn, type Led } from './router-pass-on.ts'

export interface Leader {
  /** As it is configured: with a redirect, unless everything is passed on. A unit that asks where it is sent is always told. */
  answer(c: Context, led: Led): Promise<Response>
  /** Passed on whatever is configured. */
  passOn(c: Context, led: Led): Promise<Response>
}

export function createLeader(parts: RouterParts): Leader {
  const { everything } = parts.passOn
  const forward = createPassOn(parts)
  const passOn: Leader['passOn'] = (c, led) => {
    parts.meter.count('passed_on')
    return forward(c, led)
  }
  return {
    passOn,
    async answer(c, led) {
      if (everything && c.req.header(CHECK_HEADER) === undefined) return passOn(c, led)
      parts.meter.count('redirects')
      const location = addressAt(led.unit, c)
      return c.json({ location }, 307, { location })
    },
  }
}
