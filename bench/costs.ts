/**
 * What a stage costs at AWS: measured units and durations (bench/costs-measured.json, by `npm run bench -- --only costs`), times prices,
 * by the settings of infra/functions.ts. `node bench/costs.ts` writes the tables into docs/deploy.md without measuring again; a test holds
 * the document against them.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { unitAlarms } from '../infra/alarms.ts'
import { type UnitFunctionName, unitFunctions } from '../infra/functions.ts'
import { LATENCY, PLATFORM_LOG_BYTES, PRICES } from './prices.ts'

/** What a call of a function took. Units are DynamoDB's; S3's are calls. */
export interface Call {
  writes: number
  reads: number
  puts: number
  gets: number
  /** ms, without the bundler */
  ms: number
  /** What the function itself wrote into its log. */
  logBytes: number
}

export interface MeasuredCosts {
  date: string
  machine: string
  /** A message of 2 KB alone, and one of many at once to the same process. */
  message: Call
  hot: Call
  /** A relay's invocation with one message. `recordReads` are those of its reads that come again with each message. */
  relay: Call & { recordReads: number }
  /** Item and assignment of a message, which go to the bundler and to the cache. */
  uploadedBytes: number
  /** What a client sends for a message. */
  postedBytes: number
  /** A page as it leaves the function, and as CloudFront compresses it. */
  page: Call & { messages: number; bytes: number; compressedBytes: number }
  height: Call
  /** Of a process's head and watermarks. */
  processBytes: number
}

const GB = 1e9
const MONTH_S = 30 * 24 * 3600
const SCAN_PAGE_BYTES = 1_048_576
const BYTES_A_READ_UNIT = 4_096
/** Of `ao-su/…`, as long as the stage is used: counters and times of the functions. */
const OWN_METRICS = 20
/** Groups of rules that infra/sst/firewall.ts makes. */
const FIREWALL_RULES = 3

const lambda = (name: UnitFunctionName, seconds: number): number =>
  PRICES.lambda.invocation + (unitFunctions[name].memory / 1024) * seconds * PRICES.lambda.gbSecond

const units = ({ writes, reads }: Pick<Call, 'writes' | 'reads'>): number =>
  writes * PRICES.dynamodb.writeUnit + reads * PRICES.dynamodb.readUnit

const objects = ({ puts, gets }: Pick<Call, 'puts' | 'gets'>): number => puts * PRICES.s3.put + gets * PRICES.s3.get

const logs = ({ logBytes }: Pick<Call, 'logBytes'>): number =>
  ((logBytes + PLATFORM_LOG_BYTES) / GB) * PRICES.cloudwatch.logGb

export interface RelayLoad {
  /** Messages a second in all; they come by chance. */
  messagesASecond: number
  /** How many processes they go to. */
  processes: number
  /** How long the bundler takes for a post, s. */
  bundlerLatency: number
  /** All else of an invocation: reading, the watermark, Postgres beside it, s. */
  overhead: number
  /** Units of a turn: watermarks written, and read before; and those of a record. */
  units: { watermarkWrites: number; progressReads: number; recordReads: number }
}

/** How many messages share an invocation: those of its lane that come while the window is open or the one before is at work. */
function sharing(name: 'relay' | 'packer', messagesASecond: number, processes: number, seconds: number): number {
  const { batchSize, batchWindow, parallelization } = unitFunctions[name].trigger
  const lanes = Math.min(parallelization, processes)
  return Math.min(batchSize, 1 + (messagesASecond / lanes) * Math.max(batchWindow, seconds))
}

/** Dollars for a million messages: the relay and the packer, without logs and what leaves AWS. */
export function relayCosts({ messagesASecond, processes, bundlerLatency, overhead, units: of }: RelayLoad): number {
  const seconds = bundlerLatency + overhead
  const turn = lambda('relay', seconds) + units({ writes: of.watermarkWrites, reads: of.progressReads })
  const packing = lambda('packer', overhead) / sharing('packer', messagesASecond, processes, overhead)
  return (
    1e6 *
    (turn / sharing('relay', messagesASecond, processes, seconds) +
      units({ writes: 0, reads: of.recordReads }) +
      packing)
  )
}

export interface IdleUnit {
  processes: number
  /** Bytes of a process's head and watermarks. */
  bytesAProcess: number
  /** An invocation of the reconciler that reads a whole slice and finds nothing, s. */
  seconds: number
}

/** Dollars a month of the reconciler where nothing is behind. */
export function reconcilerCosts({ processes, bytesAProcess, seconds }: IdleUnit): number {
  const runs = MONTH_S / unitFunctions.reconciler.trigger.rate
  const slice = Math.min(SCAN_PAGE_BYTES, processes * bytesAProcess)
  // The slice's place (consistency does not matter), eight keys of markers, and the slice, each at half a unit for 4 KB.
  const reads = 0.5 + 8 * 0.5 + Math.ceil(slice / BYTES_A_READ_UNIT) * 0.5
  const writes = slice < SCAN_PAGE_BYTES ? 0 : 1
  return runs * (lambda('reconciler', seconds) + PRICES.scheduledCall + units({ writes, reads }))
}

/** What a million messages cost, row by row, in dollars. */
export function messageCosts(
  measured: MeasuredCosts,
  load: { messagesASecond: number; processes: number; hot: boolean; bundlerLatency: number },
): Record<string, number> {
  const { relay, postedBytes, uploadedBytes } = measured
  const message = load.hot ? measured.hot : measured.message
  const overhead = relay.ms / 1000
  const seconds = load.bundlerLatency + overhead
  const relayed = sharing('relay', load.messagesASecond, load.processes, seconds)
  const each = {
    'DynamoDB, the commit': units(message) + objects(message),
    'Lambda, the unit': lambda('su', message.ms / 1000),
    'the relay and the packer': relayCosts({ ...load, overhead, units: unitsOf(relay) }) / 1e6,
    'CDN: requests, and what comes in': PRICES.cdn.request + (postedBytes / GB) * PRICES.cdn.originGb,
    firewall: PRICES.firewall.request,
    logs: logs(message) + logs(relay) / relayed,
    'uploads leave AWS, to bundler and cache': ((2 * uploadedBytes) / GB) * PRICES.leavingAwsGb,
  }
  return Object.fromEntries(Object.entries(each).map(([what, dollars]) => [what, 1e6 * dollars]))
}

const unitsOf = ({ writes, reads, recordReads }: MeasuredCosts['relay']): RelayLoad['units'] => ({
  watermarkWrites: writes,
  progressReads: reads - recordReads,
  recordReads,
})

const sum = (rows: Record<string, number>): number => Object.values(rows).reduce((total, one) => total + one, 0)
const dollars = (value: number): string => (value < 0.005 ? 'under 0.01' : value.toFixed(2))
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

const LOADS = [
  { what: 'one message every two seconds', messagesASecond: 0.5, processes: 1, hot: false },
  { what: '100 a second, to 100 processes', messagesASecond: 100, processes: 100, hot: false },
  { what: 'many writers, one process, 100 a second', messagesASecond: 100, processes: 1, hot: true },
] as const
const LATENCIES = [0.2, 0.5, 1] as const

/** The tables as Markdown. */
export function costTables(measured: MeasuredCosts): string {
  const { message, hot, relay, page, height, processBytes, uploadedBytes } = measured
  const columns = LOADS.map((load) =>
    LATENCIES.map((bundlerLatency) => messageCosts(measured, { ...load, bundlerLatency })),
  )
  const ranges = (what: string): string[] =>
    columns.map((costs) => {
      const values = costs.map((rows) => dollars(rows[what] ?? 0))
      return new Set(values).size === 1 ? (values[0] ?? '') : values.join(' / ')
    })
  const sums = columns.map((costs) => costs.map((rows) => dollars(sum(rows))).join(' / '))
  const names = Object.keys(columns[0]?.[0] ?? {})

  const reading = (requests: number): number => 1e6 * (requests / page.messages)
  const read = {
    'Lambda, the unit': reading(lambda('su', page.ms / 1000)),
    'DynamoDB and S3': reading(units(page) + objects(page)),
    logs: reading(logs(page)),
    'CDN and firewall: requests': reading(PRICES.cdn.request + PRICES.firewall.request),
    'CDN: what goes out, compressed': reading((page.compressedBytes / GB) * PRICES.cdn.outGb),
  }
  const atEdge = ['CDN and firewall: requests', 'CDN: what goes out, compressed'] as const

  const heights = MONTH_S / unitFunctions.height.trigger.rate
  const reconciler = (processes: number) => reconcilerCosts({ processes, bytesAProcess: processBytes, seconds: SCAN_S })
  const idle = {
    'height, each minute':
      heights * (lambda('height', height.ms / 1000) + PRICES.scheduledCall + units(height) + logs(height)),
    'reconciler, each minute': reconciler(100),
    firewall: PRICES.firewall.acl + FIREWALL_RULES * PRICES.firewall.rule,
    [`${Object.keys(unitAlarms).length} alarms of a unit`]: Object.keys(unitAlarms).length * PRICES.cloudwatch.alarm,
    dashboard: PRICES.cloudwatch.dashboard,
    [`${OWN_METRICS} metrics of our own`]: OWN_METRICS * PRICES.cloudwatch.metric,
    'the key of the secrets': PRICES.key,
  }
  const neon = ((MONTH_S / 3600) * PRICES.neon.smallest * PRICES.neon.unitHour).toFixed(2)
  return `${PRICES.region}, ${PRICES.year}, dollars, without taxes and free tiers. Prices: \`bench/prices.ts\`. Units, durations and bytes were
measured on ${measured.date} (${measured.machine}), with ${LATENCY.dynamodb} ms for a call of DynamoDB and ${LATENCY.s3} ms for one of S3.

A million messages of 2 KB. Three figures are for a bundler that answers within ${LATENCIES.join(', ')} s:

${table(['', ...LOADS.map(({ what }) => what)], [...names.map((what) => [what, ...ranges(what)]), ['**sum**', ...sums]])}

A message takes ${message.writes.toFixed(1)} write units and ${message.ms.toFixed(0)} ms of the unit, a contended one ${hot.writes.toFixed(1)} and ${hot.ms.toFixed(0)}. A turn of the relay takes ${relay.ms.toFixed(0)} ms
beside the bundler. The contended duration is an upper bound: all writers' instances share this machine's cores. Bodies above 4 KB go to S3 (5.00 a million PUTs) instead of a record. The bundler's price comes on top. So
does what is kept: a million messages are about ${((1e6 * uploadedBytes) / GB).toFixed(1)} GB, at ${PRICES.dynamodb.storedGb} a GB and month, and ${PRICES.dynamodb.recoveryGb} more for recovery.

Reading a million messages in pages of ${page.messages}, of ${(page.bytes / 1000).toFixed(0)} KB each, ${(page.compressedBytes / 1000).toFixed(0)} compressed:

${table(
  ['', 'from the unit', 'from the edge'],
  [
    ...Object.entries(read).map(([what, value]) => [
      what,
      dollars(value),
      atEdge.some((one) => one === what) ? dollars(value) : '',
    ]),
    ['**sum**', dollars(sum(read)), dollars(atEdge.reduce((total, what) => total + read[what], 0))],
  ],
)}

A month of a \`prod\` stage with one region and no traffic. A router adds a firewall; a personal stage has the first two rows only:

${table(['', 'a month'], [...Object.entries(idle).map(([what, value]) => [what, dollars(value)]), ['**sum**', dollars(sum(idle))]])}

A million idle processes raise the reconciler to ${dollars(reconciler(1e6))}, and take ${((1e6 * processBytes) / GB).toFixed(1)} GB. Neon's smallest compute, which any traffic keeps
awake, is ${neon} a month, and ${PRICES.neon.storedGb} a GB and month.`
}

/** A reconciler's invocation that reads a whole slice of 1 MB, s. */
const SCAN_S = 0.4

const BEGIN = '<!-- costs: `node bench/costs.ts` writes this -->'
const END = '<!-- end of costs -->'
const document = join(import.meta.dirname, '../docs/deploy.md')
export const measuredFile = join(import.meta.dirname, 'costs-measured.json')

/** The document with the tables of the measured file in it. */
export function documentWithCosts(text = readFileSync(document, 'utf8')): string {
  const measured = JSON.parse(readFileSync(measuredFile, 'utf8')) as MeasuredCosts
  const [before, rest] = text.split(BEGIN)
  const [, after] = (rest ?? '').split(END)
  if (before === undefined || after === undefined)
    throw new Error('docs/deploy.md: there is no place for costs. Put it back.')
  return `${before}${BEGIN}\n\n${costTables(measured)}\n\n${END}${after}`
}

export const writeCosts = (): void => writeFileSync(document, documentWithCosts())

if (import.meta.main) writeCosts()
