/** Alarms: one for each entry of infra/alarms.ts, on metrics that exist, sent to an operator. */
import { describe, expect, it } from 'vitest'
import { type AlarmSettings, routerAlarms, unitAlarms } from '../../../infra/alarms.ts'
import { deployedIn, graphOf, ofType, one } from './graph.ts'
import { suffixOf } from './logical.ts'

const pascal = (name: string): string =>
  name
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')

/**
 * What each alarm watches: metric, statistic, period in s, number of periods, the bound in the metric's own unit, and whether the alarm
 * goes off when measurements end. The test repeats the values, so that a changed limit changes a test.
 */
const expected: Record<string, readonly [string, string, number, number, '>' | '<', number, boolean]> = {
  'relay-age': ['IteratorAge', 'Maximum', 60, 5, '>', 600_000, false],
  'relay-lag': ['upload_lag_seconds', 'Maximum', 60, 10, '>', 600, false],
  'metadata-lag': ['metadata_lag_seconds', 'Maximum', 60, 10, '>', 1_800, false],
  'relay-errors': ['Errors', 'Sum', 300, 1, '>', 5, false],
  'relay-given-up': ['ApproximateNumberOfMessagesVisible', 'Maximum', 60, 1, '>', 0, false],
  'parts-owed': ['owed_parts', 'Maximum', 300, 12, '>', 0, false],
  'dead-letters': ['dead_letters', 'Maximum', 300, 1, '>', 0, false],
  'uploads-missing': ['uploads_missing', 'Sum', 3_600, 1, '>', 1, false],
  'packer-errors': ['Errors', 'Sum', 900, 2, '>', 5, false],
  'reconciler-silent': ['Invocations', 'Sum', 900, 2, '<', 1, true],
  'reconciler-errors': ['Errors', 'Sum', 900, 2, '>', 5, false],
  'height-errors': ['Errors', 'Sum', 300, 2, '>', 3, false],
  'mig-errors': ['Errors', 'Sum', 300, 1, '>', 0, false],
  'su-errors': ['Errors', 'Sum', 300, 1, '>', 5, false],
  'su-throttles': ['Throttles', 'Sum', 60, 3, '>', 0, false],
  'su-slow': ['UrlRequestLatency', 'p99', 300, 3, '>', 10_000, false],
  'su-5xx': ['5xxErrorRate', 'Average', 300, 3, '>', 5, false],
  'su-flood': ['BlockedRequests', 'Sum', 300, 1, '>', 1_000, false],
  'su-refusals': ['Url4xxCount', 'Sum', 300, 1, '>', 10_000, false],
  'foreign-log': ['log_foreign-log', 'Sum', 60, 1, '>', 0, false],
  'heads-writes-throttled': ['WriteThrottleEvents', 'Sum', 60, 5, '>', 50, false],
  'heads-reads-throttled': ['ReadThrottleEvents', 'Sum', 60, 5, '>', 50, false],
  'records-writes-throttled': ['WriteThrottleEvents', 'Sum', 60, 5, '>', 50, false],
  'records-reads-throttled': ['ReadThrottleEvents', 'Sum', 60, 5, '>', 50, false],
  'ids-writes-throttled': ['WriteThrottleEvents', 'Sum', 60, 5, '>', 50, false],
  'ids-reads-throttled': ['ReadThrottleEvents', 'Sum', 60, 5, '>', 50, false],
  'router-errors': ['Errors', 'Sum', 300, 1, '>', 5, false],
  'router-throttles': ['Throttles', 'Sum', 60, 3, '>', 0, false],
  'router-slow': ['UrlRequestLatency', 'p99', 300, 3, '>', 10_000, false],
  'router-5xx': ['5xxErrorRate', 'Average', 300, 3, '>', 5, false],
  'router-flood': ['BlockedRequests', 'Sum', 300, 1, '>', 1_000, false],
  'router-refusals': ['Url4xxCount', 'Sum', 300, 1, '>', 10_000, false],
  'placements-writes-throttled': ['WriteThrottleEvents', 'Sum', 60, 5, '>', 50, false],
  'placements-reads-throttled': ['ReadThrottleEvents', 'Sum', 60, 5, '>', 50, false],
}

it('every alarm is stated here', () => {
  expect([...Object.keys(unitAlarms), ...Object.keys(routerAlarms)].sort()).toEqual(Object.keys(expected).sort())
})

describe.each([
  ['prod', ['us-east-1'], []],
  ['regions', ['us-east-1', 'eu-west-1'], ['us-east-1']],
  ['elsewhere', ['eu-west-1'], []],
] as const)('alarms (%s)', (variant, units, routers) => {
  const graph = graphOf(variant)
  const alarms = ofType(graph, 'cloudwatch:MetricAlarm')
  const wanted = [
    ...units.flatMap((region) =>
      Object.entries<AlarmSettings>(unitAlarms).map(([name, settings]) => ({ name, settings, region })),
    ),
    ...routers.flatMap((region) =>
      Object.entries<AlarmSettings>(routerAlarms).map(([name, settings]) => ({ name, settings, region })),
    ),
  ]

  it('are there for each thing', () => {
    expect(alarms.map(({ name }) => name).sort()).toEqual(
      wanted.map(({ name, region }) => `${pascal(name)}${suffixOf(region)}`).sort(),
    )
  })

  it.each(wanted.map((alarm) => [`${alarm.name} in ${alarm.region}`, alarm] as const))(
    '%s watches what is there, by its limits',
    (_, { name, settings, region }) => {
      const { inputs, region: where } = one(graph, 'cloudwatch:MetricAlarm', `${pascal(name)}${suffixOf(region)}`)
      const { watched } = settings
      const ofEdge = watched.of === 'cdn' || watched.of === 'firewall'
      expect(where).toBe(ofEdge ? 'us-east-1' : region)
      const [metric, statistic, period, periods, beyond, threshold, whenSilent] = expected[name] ?? []
      expect(inputs).toMatchObject({
        name: `ao-su-prod-${name}-${region}`,
        metricName: metric,
        period,
        evaluationPeriods: periods,
        threshold,
        comparisonOperator: beyond === '<' ? 'LessThanThreshold' : 'GreaterThanThreshold',
        treatMissingData: whenSilent ? 'missing' : 'notBreaching',
        alarmDescription: expect.stringMatching(/\S+ \S+ \S+/),
      })
      expect(inputs.statistic ?? inputs.extendedStatistic).toBe(statistic)
      expect(inputs.dimensions).toEqual(dimensionsOf(settings, region))
      const topic = one(graph, 'sns:Topic', `Alarms${suffixOf(where ?? '')}`)
      const told = [`arn:aws:sns:${where}:123456789012:${topic.inputs.name}`]
      expect(inputs.alarmActions).toEqual(told)
      expect(inputs.insufficientDataActions).toEqual(whenSilent ? told : undefined)
    },
  )

  function dimensionsOf({ watched }: AlarmSettings, region: string): Record<string, unknown> {
    const suffix = suffixOf(region)
    switch (watched.of) {
      case 'function': {
        const found = deployedIn(graph).find(({ name, region: there }) => name === watched.function && there === region)
        expect(found).toBeDefined()
        return { FunctionName: found?.function.inputs.name }
      }
      case 'table': {
        const found = ofType(graph, 'dynamodb:Table').find(
          ({ name }) => name === `${pascal(watched.table)}${suffix}Table`,
        )
        expect(found).toBeDefined()
        return { TableName: found?.inputs.name }
      }
      case 'failures':
        return { QueueName: one(graph, 'sqs:Queue', `Failures${suffix}Queue`).inputs.name }
      case 'counter':
        return { service: watched.function }
      case 'log':
        return {}
      case 'cdn':
        return { DistributionId: expect.stringMatching(/Distribution_id$/), Region: 'Global' }
      case 'firewall':
        return { WebACL: expect.stringMatching(/^ao-su-prod-(su-|router)/), Rule: 'ALL' }
    }
  }

  it('watch the stage’s own metrics, and not another’s of the same account', () => {
    for (const { inputs } of alarms) {
      if (String(inputs.namespace).startsWith('AWS/')) continue
      expect(inputs.namespace).toBe('ao-su/prod')
    }
    for (const { variables } of deployedIn(graph)) expect(variables.METRICS_NAMESPACE).toBe('ao-su/prod')
    for (const { inputs } of ofType(graph, 'cloudwatch:LogMetricFilter')) {
      expect(inputs.metricTransformation).toMatchObject({ namespace: 'ao-su/prod', name: 'log_foreign-log' })
    }
    expect(ofType(graph, 'cloudwatch:LogMetricFilter').length).toBe(units.length)
  })

  it('are seen on one page, where each metric is', () => {
    const [dashboard, ...others] = ofType(graph, 'cloudwatch:Dashboard')
    expect(others).toEqual([])
    const { widgets } = JSON.parse(String(dashboard?.inputs.dashboardBody)) as {
      widgets: { x: number; y: number; properties: { title: string; region: string; metrics: unknown[][] } }[]
    }
    expect(widgets.length).toBeGreaterThan(wanted.length)
    expect(new Set(widgets.map(({ x, y }) => `${x},${y}`)).size).toBe(widgets.length)
    for (const { name, region } of wanted) {
      const shown = widgets.filter(
        ({ properties }) =>
          properties.title.endsWith(`: ${name}`) &&
          (units.length === 1 ||
            routers.some(() => name.startsWith('router') || name.startsWith('placements')) ||
            properties.title.includes(region)),
      )
      expect(shown.length, name).toBe(1)
    }
  })
})

it('somebody is told, in each region where there are alarms, and of the costs', () => {
  const graph = graphOf('regions')
  const topics = ofType(graph, 'sns:Topic')
  expect(topics.map(({ region }) => region).sort()).toEqual(['eu-west-1', 'us-east-1'])
  expect(
    ofType(graph, 'sns:TopicSubscription')
      .map(({ inputs, region }) => [region, inputs.protocol, inputs.endpoint])
      .sort(),
  ).toEqual([
    ['eu-west-1', 'email', 'operator@example.org'],
    ['us-east-1', 'email', 'operator@example.org'],
  ])
  const [budget] = ofType(graph, 'budgets:Budget')
  expect(budget?.inputs).toMatchObject({ limitAmount: '300', limitUnit: 'USD', timeUnit: 'MONTHLY' })
  expect(budget?.inputs.notifications).toEqual([
    expect.objectContaining({
      notificationType: 'ACTUAL',
      threshold: 80,
      subscriberEmailAddresses: ['operator@example.org'],
    }),
    expect.objectContaining({
      notificationType: 'FORECASTED',
      threshold: 100,
      subscriberEmailAddresses: ['operator@example.org'],
    }),
  ])
})

it('a firewall elsewhere is watched in us-east-1, and told there', () => {
  const graph = graphOf('elsewhere')
  expect(one(graph, 'cloudwatch:MetricAlarm', 'SuFloodEuWest1').region).toBe('us-east-1')
  expect(
    ofType(graph, 'sns:Topic')
      .map(({ region }) => region)
      .sort(),
  ).toEqual(['eu-west-1', 'us-east-1'])
})
