/** CloudWatch's alarms, by infra/alarms.ts, and whom they tell. */
import type { AlarmSettings, Watched } from '../alarms.ts'
import { metricsNamespace } from './environment.ts'
import type { DeployedFunction } from './functions.ts'
import { logicalOf, physicalOf } from './names.ts'
import type { Place, Places } from './places.ts'

/** Gives the topic of a region, made when it is first asked for: an alarm tells its own region's. */
export type Topics = (place: Place) => aws.sns.Topic

export function createTopics(email: string | undefined): Topics {
  const topics = new Map<string, aws.sns.Topic>()
  return (place) => {
    const { region, suffix, options } = place
    const topic =
      topics.get(region) ?? new aws.sns.Topic(`Alarms${suffix}`, { name: physicalOf(`alarms-${region}`, 256) }, options)
    if (email !== undefined && !topics.has(region)) {
      new aws.sns.TopicSubscription(
        `AlarmsTo${suffix}`,
        { topic: topic.arn, protocol: 'email', endpoint: email },
        options,
      )
    }
    topics.set(region, topic)
    return topic
  }
}

/** What a unit, or the router, has that can be watched. */
export interface Watchable {
  functions: Readonly<Record<string, DeployedFunction>>
  tables: Readonly<Record<string, sst.aws.Dynamo>>
  failures?: sst.aws.Queue
  cdn: sst.aws.Cdn
  firewall: aws.wafv2.WebAcl | undefined
}

/** A metric as CloudWatch names it, and where it is. */
export interface Metric {
  place: Place
  namespace: string
  metricName: string
  dimensions: Record<string, $util.Input<string>>
}

export interface AlarmOptions {
  place: Place
  places: Places
  topics: Topics
  watchable: Watchable
}

export const createAlarms = (
  alarms: Readonly<Record<string, AlarmSettings>>,
  options: AlarmOptions,
): aws.cloudwatch.MetricAlarm[] =>
  Object.entries(alarms).flatMap(([name, settings]) => {
    const metric = metricOf(settings.watched, options)
    return metric === undefined ? [] : [createAlarm(name, settings, metric, options)]
  })

function createAlarm(name: string, settings: AlarmSettings, metric: Metric, { place, topics }: AlarmOptions) {
  const { statistic, period, periods, threshold, less, whenSilent, says } = settings
  const { place: there, ...watched } = metric
  const topic = topics(there).arn
  return new aws.cloudwatch.MetricAlarm(
    `${logicalOf(name)}${place.suffix}`,
    {
      ...watched,
      name: physicalOf(`${name}-${place.region}`, 255),
      alarmDescription: `${says} What to do: docs/runbook.md, "${name}".`,
      ...(statistic === 'p99' ? { extendedStatistic: statistic } : { statistic }),
      period,
      evaluationPeriods: periods,
      threshold,
      comparisonOperator: less ? 'LessThanThreshold' : 'GreaterThanThreshold',
      // A metric that has ended leaves the alarm without data; one that has not begun leaves it as it was made, and tells nobody.
      treatMissingData: whenSilent ? 'missing' : 'notBreaching',
      ...(whenSilent && { insufficientDataActions: [topic] }),
      alarmActions: [topic],
      okActions: [topic],
    },
    there.options,
  )
}

/** Undefined where what would be watched is not there. */
export function metricOf(
  watched: Watched,
  { place, places, watchable }: Omit<AlarmOptions, 'topics'>,
): Metric | undefined {
  const here = { place, metricName: 'metric' in watched ? watched.metric : `log_${watched.code}` }
  switch (watched.of) {
    case 'function': {
      const called = watchable.functions[watched.function]
      return called && { ...here, namespace: 'AWS/Lambda', dimensions: { FunctionName: called.function.name } }
    }
    case 'table': {
      const table = watchable.tables[watched.table]
      return table && { ...here, namespace: 'AWS/DynamoDB', dimensions: { TableName: table.name } }
    }
    case 'failures': {
      const { failures } = watchable
      return failures && { ...here, namespace: 'AWS/SQS', dimensions: { QueueName: failures.nodes.queue.name } }
    }
    case 'counter':
      return { ...here, namespace: metricsNamespace(), dimensions: { service: watched.function } }
    case 'log':
      return { ...here, namespace: metricsNamespace(), dimensions: {} }
    case 'cdn':
      return {
        ...here,
        place: places.edge,
        namespace: 'AWS/CloudFront',
        dimensions: { DistributionId: watchable.cdn.nodes.distribution.id, Region: 'Global' },
      }
    case 'firewall':
      return (
        watchable.firewall && {
          ...here,
          place: places.edge,
          namespace: 'AWS/WAFV2',
          dimensions: { WebACL: watchable.firewall.name, Rule: 'ALL' },
        }
      )
  }
}

/** The metrics that are made of a function's log: how often a line has a code. */
export const countInLogs = (
  alarms: Readonly<Record<string, AlarmSettings>>,
  { place, watchable }: AlarmOptions,
): void => {
  for (const { watched } of Object.values(alarms)) {
    if (watched.of !== 'log') continue
    const log = watchable.functions[watched.function]?.logGroup
    if (log === undefined) continue
    const { code } = watched
    new aws.cloudwatch.LogMetricFilter(
      `${logicalOf(code)}Lines${place.suffix}`,
      {
        name: physicalOf(`${code}-${place.region}`, 512),
        logGroupName: log.name,
        pattern: `{ ($.code = "${code}") || ($.err.code = "${code}") }`,
        metricTransformation: { namespace: metricsNamespace(), name: `log_${code}`, value: '1' },
      },
      place.options,
    )
  }
}
