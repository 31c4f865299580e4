/** What this unit is. What would change its behaviour and is not there yet is refused, not ignored. */
import * as v from 'valibot'
import { flag } from './variables.ts'

export const mode = v.pipe(
  v.object({
    MODE: v.optional(v.picklist(['su', 'router'], 'must be su.'), 'su'),
    ENABLE_ROUTER_CHECK: flag(false),
  }),
  v.forward(
    v.check(({ MODE }) => MODE === 'su', 'must be su: there is no router in this version yet.'),
    ['MODE'],
  ),
  v.forward(
    v.check(
      ({ ENABLE_ROUTER_CHECK }) => !ENABLE_ROUTER_CHECK,
      'must be false: there is no router in this version yet, so that no placement can be checked.',
    ),
    ['ENABLE_ROUTER_CHECK'],
  ),
  v.transform(() => 'su' as const),
)
