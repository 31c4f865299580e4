/**
 * What an operator is told of, as plain data: each alarm is explained in docs/runbook.md under its name. infra/sst makes CloudWatch's
 * alarms of them, and the dashboard shows what they watch.
 */
import type { Counter } from '../core/ports/meter.ts'
import type { FunctionName } from './functions.ts'
import type { RouterTableName, TableName } from './tables.ts'

/** What is watched. Metrics of `AWS/…` are AWS's own names. */
export type Watched =
  | {
      of: 'function'
      function: FunctionName
      metric: 'Errors' | 'Throttles' | 'IteratorAge' | 'UrlRequestLatency' | 'Url4xxCount' | 'Invocations'
    }
  | { of: 'table'; table: TableName | RouterTableName; metric: 'ReadThrottleEvents' | 'WriteThrottleEvents' }
  | { of: 'failures'; metric: 'ApproximateNumberOfMessagesVisible' }
  | { of: 'counter'; function: FunctionName; metric: Counter }
  /** How often a function's log has a line with this code, as its own or its error's. */
  | { of: 'log'; function: FunctionName; code: string }
  /** In per cent of all answers. */
  | { of: 'cdn'; metric: '5xxErrorRate' }
  | { of: 'firewall'; metric: 'BlockedRequests' }

export interface AlarmSettings {
  watched: Watched
  statistic: 'Sum' | 'Maximum' | 'Average' | 'p99'
  /** s */
  period: number
  /** The alarm is given when this many periods one after the other are beyond the threshold. */
  periods: number
  /** Beyond it: above, or with `less` below. In the metric's own unit. */
  threshold: number
  less?: true
  /**
   * The alarm is given when measurements that were there end; a new stage has none yet, and all is well. Otherwise nothing measured is
   * as good as a good measurement.
   */
  whenSilent?: true
  /** A sentence for who gets the mail. */
  says: string
}

const MINUTE = 60
const TEN_MINUTES_MS = 600_000

const throttled = <T extends TableName | RouterTableName>(
  table: T,
  metric: 'ReadThrottleEvents' | 'WriteThrottleEvents',
) =>
  ({
    watched: { of: 'table', table, metric },
    statistic: 'Sum',
    period: MINUTE,
    periods: 5,
    threshold: 50,
    says: `DynamoDB holds back ${metric === 'WriteThrottleEvents' ? 'writes to' : 'reads of'} the table of ${table}.`,
  }) as const satisfies AlarmSettings

/** Of each unit. */
export const unitAlarms = {
  'relay-age': {
    watched: { of: 'function', function: 'relay', metric: 'IteratorAge' },
    statistic: 'Maximum',
    period: MINUTE,
    periods: 5,
    threshold: TEN_MINUTES_MS,
    says: 'What was scheduled more than ten minutes ago is not uploaded yet: the relay is behind.',
  },
  'relay-lag': {
    watched: { of: 'counter', function: 'reconciler', metric: 'upload_lag_seconds' },
    statistic: 'Maximum',
    period: MINUTE,
    periods: 10,
    threshold: 600,
    says: 'An outage: what was scheduled more than ten minutes ago is not uploaded. The bundler, its credit or the tables are in trouble.',
  },
  'metadata-lag': {
    watched: { of: 'counter', function: 'reconciler', metric: 'metadata_lag_seconds' },
    statistic: 'Maximum',
    period: MINUTE,
    periods: 10,
    threshold: 1_800,
    says: 'An outage: what was scheduled more than half an hour ago is not in Postgres.',
  },
  'relay-errors': {
    watched: { of: 'function', function: 'relay', metric: 'Errors' },
    statistic: 'Sum',
    period: 5 * MINUTE,
    periods: 1,
    threshold: 5,
    says: 'The relay fails altogether.',
  },
  'relay-given-up': {
    watched: { of: 'failures', metric: 'ApproximateNumberOfMessagesVisible' },
    statistic: 'Maximum',
    period: MINUTE,
    periods: 1,
    threshold: 0,
    says: 'The stream has given up on changes after an hour; the reconciler brings them again, if their cause is gone.',
  },
  'parts-owed': {
    watched: { of: 'counter', function: 'reconciler', metric: 'owed_parts' },
    statistic: 'Maximum',
    period: 5 * MINUTE,
    periods: 12,
    threshold: 0,
    says: 'A poisoned record: for an hour something has been owed that the bundler does not take, or that cannot be read.',
  },
  'dead-letters': {
    watched: { of: 'counter', function: 'reconciler', metric: 'dead_letters' },
    statistic: 'Maximum',
    period: 5 * MINUTE,
    periods: 1,
    threshold: 0,
    says: 'The bundler refuses items for good: they are dead letters until an operator resends or skips them.',
  },
  'uploads-missing': {
    watched: { of: 'counter', function: 'reconciler', metric: 'uploads_missing' },
    statistic: 'Sum',
    period: 60 * MINUTE,
    periods: 1,
    threshold: 1,
    says: 'The gateway does not have items that the bundler took more than a day ago.',
  },
  'packer-errors': {
    watched: { of: 'function', function: 'packer', metric: 'Errors' },
    statistic: 'Sum',
    period: 15 * MINUTE,
    periods: 2,
    threshold: 5,
    says: 'The packer fails altogether: history is served from the log, which costs more.',
  },
  'reconciler-silent': {
    watched: { of: 'function', function: 'reconciler', metric: 'Invocations' },
    statistic: 'Sum',
    period: 15 * MINUTE,
    periods: 2,
    threshold: 1,
    less: true,
    whenSilent: true,
    says: 'The reconciler is not called any more.',
  },
  'reconciler-errors': {
    watched: { of: 'function', function: 'reconciler', metric: 'Errors' },
    statistic: 'Sum',
    period: 15 * MINUTE,
    periods: 2,
    threshold: 5,
    says: 'The reconciler fails: what is owed or was left behind stays undone.',
  },
  'height-errors': {
    watched: { of: 'function', function: 'height', metric: 'Errors' },
    statistic: 'Sum',
    period: 5 * MINUTE,
    periods: 2,
    threshold: 3,
    says: 'The network’s height cannot be asked: the gateway does not answer. Messages are scheduled with the last height known.',
  },
  'mig-errors': {
    watched: { of: 'function', function: 'mig', metric: 'Errors' },
    statistic: 'Sum',
    period: 5 * MINUTE,
    periods: 1,
    threshold: 0,
    says: 'A migration has failed: what calls itself on does not go on.',
  },
  'su-errors': {
    watched: { of: 'function', function: 'su', metric: 'Errors' },
    statistic: 'Sum',
    period: 5 * MINUTE,
    periods: 1,
    threshold: 5,
    says: 'The scheduler unit fails altogether: its configuration, its time or its memory.',
  },
  'su-throttles': {
    watched: { of: 'function', function: 'su', metric: 'Throttles' },
    statistic: 'Sum',
    period: MINUTE,
    periods: 3,
    threshold: 0,
    says: 'Requests are refused for want of concurrency: a flood, or a limit that is too low.',
  },
  'su-slow': {
    watched: { of: 'function', function: 'su', metric: 'UrlRequestLatency' },
    statistic: 'p99',
    period: 5 * MINUTE,
    periods: 3,
    threshold: 10_000,
    says: 'One request in a hundred takes more than ten seconds.',
  },
  'su-5xx': {
    watched: { of: 'cdn', metric: '5xxErrorRate' },
    statistic: 'Average',
    period: 5 * MINUTE,
    periods: 3,
    threshold: 5,
    says: 'More than one answer in twenty of the unit is a failure.',
  },
  'su-flood': {
    watched: { of: 'firewall', metric: 'BlockedRequests' },
    statistic: 'Sum',
    period: 5 * MINUTE,
    periods: 1,
    threshold: 1_000,
    says: 'Somebody asks the unit more often than the firewall lets pass.',
  },
  'su-refusals': {
    watched: { of: 'function', function: 'su', metric: 'Url4xxCount' },
    statistic: 'Sum',
    period: 5 * MINUTE,
    periods: 1,
    threshold: 10_000,
    says: 'The unit refuses more than 10,000 requests in five minutes: bad requests, or calls to its function URL beside the CDN.',
  },
  'foreign-log': {
    watched: { of: 'log', function: 'su', code: 'foreign-log' },
    statistic: 'Sum',
    period: MINUTE,
    periods: 1,
    threshold: 0,
    says: 'The log is another wallet’s, or came back from a backup: nothing is scheduled until an operator has taken it over.',
  },
  'heads-writes-throttled': throttled('heads', 'WriteThrottleEvents'),
  'heads-reads-throttled': throttled('heads', 'ReadThrottleEvents'),
  'records-writes-throttled': throttled('records', 'WriteThrottleEvents'),
  'records-reads-throttled': throttled('records', 'ReadThrottleEvents'),
  'ids-writes-throttled': throttled('ids', 'WriteThrottleEvents'),
  'ids-reads-throttled': throttled('ids', 'ReadThrottleEvents'),
} as const satisfies Record<string, AlarmSettings>

/** Of the router. */
export const routerAlarms = {
  'router-errors': {
    watched: { of: 'function', function: 'router', metric: 'Errors' },
    statistic: 'Sum',
    period: 5 * MINUTE,
    periods: 1,
    threshold: 5,
    says: 'The router fails altogether: its configuration, its time or its memory.',
  },
  'router-throttles': {
    watched: { of: 'function', function: 'router', metric: 'Throttles' },
    statistic: 'Sum',
    period: MINUTE,
    periods: 3,
    threshold: 0,
    says: 'The router refuses requests for want of concurrency: a flood, or a limit that is too low.',
  },
  'router-slow': {
    watched: { of: 'function', function: 'router', metric: 'UrlRequestLatency' },
    statistic: 'p99',
    period: 5 * MINUTE,
    periods: 3,
    threshold: 10_000,
    says: 'One request in a hundred to the router takes more than ten seconds.',
  },
  'router-5xx': {
    watched: { of: 'cdn', metric: '5xxErrorRate' },
    statistic: 'Average',
    period: 5 * MINUTE,
    periods: 3,
    threshold: 5,
    says: 'More than one answer in twenty of the router is a failure.',
  },
  'router-flood': {
    watched: { of: 'firewall', metric: 'BlockedRequests' },
    statistic: 'Sum',
    period: 5 * MINUTE,
    periods: 1,
    threshold: 1_000,
    says: 'Somebody asks the router more often than the firewall lets pass.',
  },
  'router-refusals': {
    watched: { of: 'function', function: 'router', metric: 'Url4xxCount' },
    statistic: 'Sum',
    period: 5 * MINUTE,
    periods: 1,
    threshold: 10_000,
    says: 'The router refuses more than 10,000 requests in five minutes: bad requests, or calls to its function URL beside the CDN.',
  },
  'placements-writes-throttled': throttled('placements', 'WriteThrottleEvents'),
  'placements-reads-throttled': throttled('placements', 'ReadThrottleEvents'),
} as const satisfies Record<string, AlarmSettings>

export type AlarmName = keyof typeof unitAlarms | keyof typeof routerAlarms
