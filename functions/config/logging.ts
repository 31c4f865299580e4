/** What is logged. */
import * as v from 'valibot'

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export const logging = v.pipe(
  v.object({
    LOG_LEVEL: v.optional(v.picklist(levels, `must be one of ${levels.join(', ')}.`), 'info'),
  }),
  v.transform((env) => ({ level: env.LOG_LEVEL })),
)
