/** What a router passes on to the units itself instead of redirecting, and how it proves there who is asking. */
import * as v from 'valibot'
import { secrets } from './variables.ts'

export const passOn = v.pipe(
  v.object({
    PASS_ON: v.optional(v.picklist(['assignments', 'everything'], 'must be assignments or everything.'), 'assignments'),
    ROUTER_SECRET: secrets,
  }),
  v.transform((env) => ({
    /** All that would be redirected; assignments always are. */
    everything: env.PASS_ON === 'everything',
    /** Without it units cannot believe whom the router names as the caller. */
    secrets: env.ROUTER_SECRET,
  })),
)
