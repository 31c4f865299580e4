/** One page of CloudWatch for the whole stage: for each unit, and the router, what is asked of it and what its alarms watch. */
import type { AlarmSettings } from '../alarms.ts'
import { type AlarmOptions, type Metric, metricOf } from './alarms.ts'
import { metricsNamespace } from './environment.ts'
import { physicalOf } from './names.ts'

/** A unit, or the router. */
export interface Watch {
  /** Above its graphs. */
  title: string
  alarms: Readonly<Record<string, AlarmSettings>>
  options: Omit<AlarmOptions, 'topics'>
}

/** What is shown beside the alarms: [title, counters of that service]. */
const counted: Readonly<Record<string, readonly (readonly [service: string, counter: string])[]>> = {
  'Scheduled, signed, lost races': [
    ['su', 'messages_scheduled'],
    ['su', 'signatures'],
    ['su', 'commit_conflicts'],
  ],
  'Uploaded, in trouble, owed': [
    ['relay', 'uploads'],
    ['relay', 'relay_failures'],
    ['reconciler', 'owed_parts'],
    ['reconciler', 'dead_letters'],
  ],
  'Lag of sinks, s': [
    ['reconciler', 'upload_lag_seconds'],
    ['reconciler', 'metadata_lag_seconds'],
    ['reconciler', 'segments_lag_seconds'],
  ],
  'By the router': [
    ['router', 'redirects'],
    ['router', 'passed_on'],
  ],
}

const WIDTH = 8
const HEIGHT = 6
const COLUMNS = 3

export const createDashboard = (watches: readonly Watch[]): aws.cloudwatch.Dashboard =>
  new aws.cloudwatch.Dashboard('Dashboard', {
    dashboardName: physicalOf('overview', 255),
    dashboardBody: $util.jsonStringify({ widgets: watches.flatMap(widgetsOf).map(placed) }),
  })

function widgetsOf({ title, alarms, options }: Watch) {
  const watched = Object.entries(alarms).flatMap(([name, settings]) => {
    const metric = metricOf(settings.watched, options)
    return metric === undefined
      ? []
      : [graph(`${title}: ${name}`, [lineOf(metric, settings)], metric.place.region, settings.threshold)]
  })
  const { place, watchable } = options
  const counters = Object.entries(counted).flatMap(([name, lines]) => {
    const own = lines.filter(([service]) => watchable.functions[service] !== undefined)
    if (own.length === 0) return []
    const metrics = own.map(([service, counter]) => [metricsNamespace(), counter, 'service', service, { stat: 'Sum' }])
    return [graph(`${title}: ${name}`, metrics, place.region)]
  })
  return [...counters, ...watched]
}

const lineOf = ({ namespace, metricName, dimensions }: Metric, { statistic, period }: AlarmSettings) => [
  namespace,
  metricName,
  ...Object.entries(dimensions).flat(),
  { stat: statistic, period },
]

const graph = (title: string, metrics: unknown[], region: string, threshold?: number) => ({
  type: 'metric',
  properties: {
    title,
    region,
    metrics,
    view: 'timeSeries',
    period: 300,
    ...(threshold !== undefined && { annotations: { horizontal: [{ label: 'alarm', value: threshold }] } }),
  },
})

const placed = <W extends object>(widget: W, index: number) => ({
  ...widget,
  x: (index % COLUMNS) * WIDTH,
  y: Math.floor(index / COLUMNS) * HEIGHT,
  width: WIDTH,
  height: HEIGHT,
})
