/** Metrics of this instance for `GET /metrics`: OpenMetrics with the reference's names (contract, "Metrics"). */
import type { OpenMetricsContentType } from 'prom-client'
import type { Counter as CounterName, Meter, TimedFunction } from '../../core/ports/meter.ts'

export interface InstanceMeter extends Meter {
  openMetrics(): Promise<{ contentType: string; body: string }>
}

const HISTOGRAM = 'su_core_metrics_duration_milliseconds'
const HISTOGRAM_HELP = 'Histogram of durations for core metrics functions in milliseconds'
/** Upper bounds, ms: the reference's. */
const buckets = [
  0, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 5500, 6000, 6500, 7000, 7500, 8000, 8500, 9000, 9500, 10_000,
] as const

const timedFunctions: readonly TimedFunction[] = [
  'acquire_write_lock',
  'get_message',
  'get_messages',
  'get_process',
  'read_message_data',
  'write_item',
]

/** What each counter counts, under the name that it has here: the reference has only the first. */
const counters: Record<CounterName, { name: string; help: string }> = {
  message_save_failures: { name: 'message_save_failures', help: 'message save failure count' },
  signatures: { name: 'su_signatures', help: 'Assignments signed' },
  messages_scheduled: { name: 'su_messages_scheduled', help: 'Messages and transactions scheduled' },
  commits: { name: 'su_commits', help: 'Commits to the log' },
  submissions: { name: 'su_submissions', help: 'Messages left for another instance to commit' },
  commit_conflicts: { name: 'su_commit_conflicts', help: 'Commits that another one came before' },
  uploads: { name: 'su_uploads', help: 'Items that the bundler took' },
  uploads_refused: { name: 'su_uploads_refused', help: 'Items that the bundler refuses for good' },
  parts_owed: { name: 'su_parts_owed', help: 'Parts of records that have become owed' },
  relay_failures: { name: 'su_relay_failures', help: 'Turns of a process that ended in trouble' },
  cache_failures: { name: 'su_cache_failures', help: 'Items that the cache did not take' },
  redirects: { name: 'su_redirects', help: 'Requests that a router redirected to their unit' },
  passed_on: { name: 'su_passed_on', help: 'Requests that a router passed on to their unit' },
  ip_list_not_understood: {
    name: 'su_ip_list_not_understood',
    help: 'Entries of the IP list that are no addresses or ranges',
  },
  owed_parts: { name: 'su_owed_parts', help: 'Owed parts, once a minute' },
  dead_letters: { name: 'su_dead_letters', help: 'Dead letters, once a minute' },
  metadata_lag_seconds: { name: 'su_metadata_lag_seconds', help: 'Age of what is not in Postgres, once a minute' },
  upload_lag_seconds: { name: 'su_upload_lag_seconds', help: 'Age of what is not uploaded, once a minute' },
  segments_lag_seconds: { name: 'su_segments_lag_seconds', help: 'Age of what is not packed, once a minute' },
  uploads_sampled: { name: 'su_uploads_sampled', help: 'Uploaded items that a gateway was asked for' },
  uploads_missing: { name: 'su_uploads_missing', help: 'Uploaded items that a gateway does not have' },
}

interface Durations {
  /** Observations up to each bound and above the one before; those above all bounds are in `count` alone. */
  perBucket: number[]
  sum: number
  count: number
}

/**
 * Kept in plain arrays: prom-client takes 30 ms to load, which only an instance that is asked for its metrics should pay.
 */
export function createInstanceMeter(): InstanceMeter {
  const durations = new Map(
    timedFunctions.map((name): [TimedFunction, Durations] => [
      name,
      { perBucket: buckets.map(() => 0), sum: 0, count: 0 },
    ]),
  )
  const counts = new Map<CounterName, number>()

  return {
    time(name, ms) {
      const seen = durations.get(name)
      if (!seen) return
      seen.sum += ms
      seen.count++
      const bucket = buckets.findIndex((bound) => ms <= bound)
      if (bucket >= 0) seen.perBucket[bucket] = (seen.perBucket[bucket] ?? 0) + 1
    },
    count(name, by = 1) {
      counts.set(name, (counts.get(name) ?? 0) + by)
    },
    openMetrics: () => render(durations, counts),
  }
}

async function render(durations: ReadonlyMap<TimedFunction, Durations>, counts: ReadonlyMap<CounterName, number>) {
  // A CommonJS module: bundled, its exports are only to be had by its default.
  const { default: prom } = await import('prom-client')
  const { Counter, Histogram, Registry } = prom
  const registry = new Registry<OpenMetricsContentType>()
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  const registers = [registry]

  /** A histogram of what was observed already: the registry asks each metric for its samples by this method. */
  class Observed extends Histogram<'function_name'> {
    async getForPromString() {
      return { name: HISTOGRAM, help: HISTOGRAM_HELP, type: 'histogram', values: [...durations].flatMap(samples) }
    }
  }

  for (const [counter, { name, help }] of Object.entries(counters)) {
    const metric = new Counter({ name, help, registers })
    for (const [counted, value] of counts) if (counted === counter) metric.inc(value)
  }
  new Observed({
    name: HISTOGRAM,
    help: HISTOGRAM_HELP,
    labelNames: ['function_name'],
    registers,
  })
  return { contentType: registry.contentType, body: await registry.metrics() }
}

/** The lines of one function: counts up to each bound, then all of them. */
function samples([function_name, { perBucket, sum, count }]: [TimedFunction, Durations]) {
  let upTo = 0
  const sample = (suffix: string, value: number, le?: number | string) => ({
    metricName: `${HISTOGRAM}_${suffix}`,
    labels: le === undefined ? { function_name } : { function_name, le },
    sharedLabels: {},
    value,
  })
  return [
    ...buckets.map((bound, index) => {
      upTo += perBucket[index] ?? 0
      return sample('bucket', upTo, bound)
    }),
    sample('bucket', count, '+Inf'),
    sample('sum', sum),
    sample('count', count),
  ]
}
