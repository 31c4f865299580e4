/** Metrics as CloudWatch reads them out of the log: the embedded metric format, one line for an invocation. */
import type { Counter, Meter, TimedFunction } from '../../core/ports/meter.ts'

export interface EmbeddedMeter extends Meter {
  /**
   * Writes what came together since the last flush; nothing when nothing did. To be called when an invocation ends. With
   * several at once in an instance, whichever ends first writes for all of them: everything is written exactly once.
   * Does not fail: what is measured must not fail for being measured.
   */
  flush(): Promise<void>
}

export interface EmbeddedMeterOptions {
  /** The function, a dimension of each metric. */
  service: string
  /** METRICS_NAMESPACE */
  namespace: string
  /** Metrics that cannot be written are no reason to fail a request; that they are lost must be said. */
  onFailure(error: unknown): void
  write?: (line: string) => void
}

/** CloudWatch takes 100 values of a metric in a line; with the hundredth the library would print by itself. */
const MAX_VALUES = 99

export function createEmbeddedMeter({
  service,
  namespace,
  onFailure,
  write = writeLine,
}: EmbeddedMeterOptions): EmbeddedMeter {
  let durations = new Map<TimedFunction, number[]>()
  let counts = new Map<Counter, number>()

  return {
    time(name, ms) {
      const values = durations.get(name)
      if (values) values.push(ms)
      else durations.set(name, [ms])
    },
    count(name, by = 1) {
      counts.set(name, (counts.get(name) ?? 0) + by)
    },
    async flush() {
      if (durations.size === 0 && counts.size === 0) return
      try {
        // After the first answer, so that no cold start waits for it.
        const { Metrics } = await import('@aws-lambda-powertools/metrics')
        // From here to the end nothing else runs: what is taken is written.
        const taken = { durations, counts }
        durations = new Map()
        counts = new Map()
        while (taken.durations.size > 0 || taken.counts.size > 0) {
          const metrics = new Metrics({ namespace, serviceName: service })
          for (const [name, count] of taken.counts) metrics.addMetric(name, 'Count', count)
          taken.counts.clear()
          for (const [name, values] of taken.durations) {
            for (const ms of values.splice(0, MAX_VALUES)) metrics.addMetric(name, 'Milliseconds', ms)
            if (values.length === 0) taken.durations.delete(name)
          }
          write(JSON.stringify(metrics.serializeMetrics()))
          metrics.clearMetrics()
        }
      } catch (cause) {
        onFailure(cause)
      }
    },
  }
}

const writeLine = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** For `onFailure`: into the function's log. */
export const metricsLost =
  (log: { error(details: object, message: string): void }) =>
  (err: unknown): void =>
    log.error({ err }, 'metrics could not be written')
