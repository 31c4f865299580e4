/** What a function is. Each refuses to run as the other: an operator who says so means another function. */
import * as v from 'valibot'

const functionOf = {
  su: 'this function is the scheduler unit, the router is another one',
  router: 'this function is the router, the scheduler unit is another one',
} as const

/** MODE may be left out, since each function is one of the two anyway. */
export const modeOf = <M extends keyof typeof functionOf>(own: M) =>
  v.pipe(
    v.object({
      MODE: v.optional(v.literal(own, `must be ${own} or not set: ${functionOf[own]}.`), own),
    }),
    v.transform(() => own),
  )
