/** Writers who each send one message after the other, and what was measured of them. */
import type { Entry } from '../../../../core/log/entry.ts'
import type { Counter, Meter } from '../../../../core/ports/meter.ts'
import { createFakeSigner } from '../../../fakes/signer.ts'
import { VirtualClock } from '../../../fakes/virtual-clock.ts'
import { createInstance, message, spawned } from '../instance.ts'
import { Aws, type AwsOptions } from './aws.ts'
import { Environment } from './environment.ts'
import { Lambda, type LambdaOptions } from './lambda.ts'

export interface LoadOptions extends Partial<Pick<LambdaOptions, 'concurrency' | 'instances' | 'coldStart' | 'unit'>> {
  /** Writers of each process. */
  writers: readonly number[]
  /** How long it goes on, and how much of its beginning is not measured, ms. */
  length?: number
  warmUp?: number
  seed?: number
  bytes?: number
  aws?: AwsOptions
  /** Between an answer and the next message, ms. */
  think?: number
}

export interface Measured {
  /** Messages a second. */
  rate: number
  p50: number
  p99: number
  max: number
  failures: string[]
  /** How much later than one who came after him a writer was served, ms at most. */
  overtaken: number
}

interface Sample {
  since: number
  /** When it reached an instance. */
  arrived: number
  at: number
  nonce: number
}

export interface Load {
  /** For each process. */
  processes: Measured[]
  /** A message, of all processes. */
  signatures: number
  writeUnits: number
  readUnits: number
  batch: number
  commits: number
  submissions: number
  conflicts: number
  /** Transactions that conflicted on some rows and failed the conditions of others. */
  mixed: number
  throttled: number
  instances: number
  units: Record<string, number>
  /** Of what the busiest key takes. */
  peakWrites: number
  peakReads: number
  /** The same numbers for the same seed. */
  trace: string
}

export async function load({
  writers,
  length = 10_000,
  warmUp = 2_000,
  seed = 1,
  bytes = 2_048,
  aws: awsOptions,
  think = 0,
  ...lambdaOptions
}: LoadOptions): Promise<Load> {
  const clock = new VirtualClock(1_700_000_000_000, seed, { turns: 1 })
  const aws = new Aws(clock, awsOptions)
  const signer = createFakeSigner('load')
  const counts = new Map<Counter, number>()
  const meter: Meter = {
    time: () => undefined,
    count: (name, by = 1) => counts.set(name, (counts.get(name) ?? 0) + by),
  }
  const lambda = new Lambda({
    clock,
    signer,
    meter,
    connect: (environment) => aws.seenBy(environment),
    ...lambdaOptions,
  })
  const data = 'x'.repeat(bytes)
  const quiet = createInstance(aws.store, aws.seenBy(lambdaless(clock)).submissionQueue, clock, signer)
  const processes = await Promise.all(writers.map(() => spawned(quiet, clock.now() + 10_000)))
  const begin = clock.now()
  const end = begin + warmUp + length
  const samples = processes.map(() => [] as Sample[])
  const failures = processes.map(() => [] as string[])

  const write = async (index: number, process: string) => {
    await clock.sleep(20 * clock.random())
    while (clock.now() < end) {
      const entry: Entry = message(process, {}, data)
      const since = clock.now()
      let arrived = since
      const onArrival = () => {
        arrived = clock.now()
      }
      try {
        const { nonce } = await lambda.request(entry, { onArrival })
        samples[index]?.push({ since, arrived, at: clock.now(), nonce })
      } catch (error) {
        failures[index]?.push(String(error))
      }
      if (think > 0) await clock.sleep(think * 2 * clock.random())
    }
  }
  await clock.run(
    (async () => {
      const done = Promise.all(
        processes.flatMap((process, index) => Array.from({ length: writers[index] ?? 0 }, () => write(index, process))),
      )
      await clock.sleep(warmUp)
      counts.clear()
      aws.capacity.reset()
      aws.conflicts = 0
      aws.mixed = 0
      await done
      await lambda.idle()
    })(),
  )
  const scheduled = counts.get('messages_scheduled') ?? 0
  const commits = counts.get('commits') ?? 0
  const a = (name: Counter) => counts.get(name) ?? 0
  return {
    processes: samples.map((all, index) => measure(all, begin + warmUp, end, failures[index] ?? [])),
    signatures: a('signatures') / scheduled,
    writeUnits: aws.capacity.sum('W') / scheduled,
    readUnits: aws.capacity.sum('R') / scheduled,
    batch: scheduled / commits,
    commits,
    submissions: a('submissions') / scheduled,
    conflicts: aws.conflicts,
    mixed: aws.mixed,
    throttled: aws.capacity.throttled,
    instances: lambda.started,
    units: Object.fromEntries([...aws.capacity.totals].map(([name, sum]) => [name, sum / scheduled])),
    peakWrites: aws.capacity.peak('W'),
    peakReads: aws.capacity.peak('R'),
    trace: JSON.stringify([samples, [...counts], [...aws.capacity.totals]]),
  }
}

const lambdaless = (clock: VirtualClock) => new Environment(clock)

function measure(all: readonly Sample[], from: number, to: number, failures: string[]): Measured {
  const counted = all.filter(({ since, at }) => since >= from && at <= to)
  const times = counted.map(({ since, at }) => at - since).sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  let latest = 0
  let overtaken = 0
  for (const { arrived } of [...counted].sort((a, b) => a.nonce - b.nonce)) {
    overtaken = Math.max(overtaken, latest - arrived)
    latest = Math.max(latest, arrived)
  }
  const rate = all.filter((one) => one.at >= from && one.at <= to).length / ((to - from) / 1000)
  return { rate, p50: at(0.5), p99: at(0.99), max: at(1), failures, overtaken }
}
