/** What is logged: lines, and metrics for CloudWatch among them. */
import * as v from 'valibot'

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

export const logging = v.pipe(
  v.object({
    LOG_LEVEL: v.optional(v.picklist(levels, `must be one of ${levels.join(', ')}.`), 'info'),
    METRICS_NAMESPACE: v.optional(v.string(), 'SchedulerUnit'),
  }),
  v.transform((env) => ({
    level: env.LOG_LEVEL,
    /** Under which CloudWatch keeps the metrics. */
    metricsNamespace: env.METRICS_NAMESPACE,
  })),
)
