/**
 * One turn of a process: each sink goes on from its watermark towards the head. An outage of one sink never holds up another. A
 * watermark moves only over what is done or owed, and only from where it was read; everything that is done is idempotent. So a
 * relay may end anywhere, and any number may run at once: at worst something is done twice.
 */
import { SchedulerError } from '../errors.ts'
import { type Moves, type Progress, type Sink, sinks } from '../ports/relay-store.ts'
import { createBatchReader, reasonOf } from './batch.ts'
import { createCacheOffers } from './cache-offers.ts'
import type { RelayDeps } from './deps.ts'
import { indexFrom } from './metadata.ts'
import { createNaps, type Naps } from './pace.ts'
import { packFrom } from './segments.ts'
import { reachOf, type SinkOutcome, type Turn } from './sink.ts'
import { uploadFrom } from './upload.ts'

/** `moved`: whether the watermark did. */
export type SinkReport =
  | { kind: 'done'; moved: boolean }
  /** `late`: the deadline came, nothing is wrong. */
  | { kind: 'behind'; moved: boolean; late: boolean; reason: string }

export interface ProcessReport {
  process: string
  /** For each sink of this relay. */
  sinks: Map<Sink, SinkReport>
}

export interface TurnOptions {
  /** ms since the epoch. */
  deadline: number
  /** How long it may sleep, shared with the other processes of an invocation. */
  naps?: Naps
}

const perform: Record<Sink, (turn: Turn, from: number, next: number) => Promise<SinkOutcome>> = {
  upload: uploadFrom,
  metadata: indexFrom,
  segments: packFrom,
}

const LATE = 'The deadline came first.'

/** Does not throw: what goes wrong is in the report, and in the log where it is more than lateness. */
export async function relayProcess(
  deps: RelayDeps,
  process: string,
  { deadline, naps = createNaps(deps.clock) }: TurnOptions,
): Promise<ProcessReport> {
  const { store, clock, meter, log } = deps
  const all = (outcome: SinkReport): ProcessReport => ({
    process,
    sinks: new Map(deps.sinks.map((sink) => [sink, outcome])),
  })
  const failed = (error: unknown): ProcessReport => {
    meter.count('relay_failures')
    log.warn({ process, err: error }, 'The relay cannot read where a process stands.')
    return all({ kind: 'behind', late: false, moved: false, reason: reasonOf(error) })
  }

  if (clock.now() >= deadline) return all({ kind: 'behind', late: true, moved: false, reason: LATE })
  let progress: Progress | undefined
  try {
    progress = await store.progress(process)
  } catch (error) {
    return failed(error)
  }
  // A process that the log does not have has nothing to be relayed.
  if (progress === undefined) return all({ kind: 'done', moved: false })
  const marks = createWatermarks(deps, progress)
  const offers = createCacheOffers(deps)
  const turn = { deps, progress, deadline, naps, offers, read: createBatchReader(deps, process), moveTo: marks.moveTo }
  const outcomes = await Promise.all(deps.sinks.map((sink) => runSink(turn, sink)))
  try {
    await marks.flush()
  } catch (error) {
    return failed(error)
  }
  await offers.settle(deadline)

  const report: ProcessReport = { process, sinks: new Map() }
  for (const [index, sink] of deps.sinks.entries()) {
    const { trouble } = outcomes[index] ?? {}
    const moved = marks.at(sink) !== progress.done[sink]
    const { from, next } = reachOf(sink, progress, marks.at(sink))
    if (trouble) {
      report.sinks.set(sink, { kind: 'behind', late: false, moved, reason: trouble.reason })
      meter.count('relay_failures')
      log.warn({ process, sink, ...trouble }, 'The relay is behind.')
      await noteTrouble(turn, sink, trouble)
    } else if (from >= next) report.sinks.set(sink, { kind: 'done', moved })
    else report.sinks.set(sink, { kind: 'behind', late: true, moved, reason: LATE })
  }
  return report
}

async function runSink(turn: Turn, sink: Sink): Promise<SinkOutcome> {
  const { from, next } = reachOf(sink, turn.progress, turn.progress.done[sink])
  if (from >= next) return {}
  try {
    return await perform[sink](turn, from, next)
  } catch (error) {
    return { trouble: { nonce: from, reason: reasonOf(error) } }
  }
}

/** For `process show`, and so that the next turn knows how long it lasts. */
async function noteTrouble(
  { deps, progress }: Turn,
  sink: Sink,
  { nonce, reason }: { nonce: number; reason: string },
): Promise<void> {
  const known = progress.trouble[sink]
  if (known?.nonce === nonce && known.reason === reason) return
  const since = known?.nonce === nonce ? known.since : deps.clock.now()
  await deps.store.noteTrouble(progress.process, sink, { nonce, reason, since }).catch((err: unknown) => {
    deps.log.warn({ process: progress.process, sink, err }, 'The trouble of a process could not be noted.')
  })
}

/** Written when so many records are done, and at the end of a turn: mostly one write for all sinks. */
const RECORDS_A_WRITE = 256
/** A write that other relays come before is tried so often. */
const WRITES = 20

interface Watermarks {
  moveTo: Turn['moveTo']
  /** Writes what has not been written. Fails with `unavailable`. */
  flush(): Promise<void>
  /** Where a sink's watermark stands. */
  at(sink: Sink): number | undefined
}

function createWatermarks({ store }: RelayDeps, { process, done }: Progress): Watermarks {
  const written = new Map(Object.entries(done) as [Sink, number][])
  const reached = new Map(written)
  /** Set back by an operator meanwhile: what this turn does is not enough there. */
  const abandoned = new Set<Sink>()
  let writing: Promise<void> | undefined

  async function write(tries = WRITES): Promise<void> {
    const moves: Moves = {}
    for (const [sink, to] of reached) {
      const from = written.get(sink)
      if (to !== from) moves[sink] = { from, to }
    }
    if (Object.keys(moves).length === 0) return
    if (await store.advance(process, moves)) {
      for (const sink of sinks) if (moves[sink]) written.set(sink, moves[sink].to)
      return
    }
    if (tries === 0) throw new SchedulerError('unavailable', 'The watermarks do not come to rest.')
    // Another relay is at work, or the watermark was set back.
    const now = (await store.progress(process))?.done ?? {}
    for (const sink of sinks) {
      const move = moves[sink]
      if (!move) continue
      const [begun, stands] = [done[sink], now[sink]]
      if (stands === undefined) written.delete(sink)
      else written.set(sink, stands)
      // Below where this turn began nothing is known to be done; ahead of it there is nothing to add.
      if (begun !== undefined && (stands === undefined || stands < begun)) abandoned.add(sink)
      if (abandoned.has(sink) || (stands !== undefined && stands >= move.to)) reached.delete(sink)
    }
    await write(tries - 1)
  }

  async function flush(): Promise<void> {
    const before = writing
    const mine = (async () => {
      await before?.catch(() => undefined)
      await write()
    })()
    writing = mine
    await mine
  }

  return {
    async moveTo(sink, to) {
      if (abandoned.has(sink)) return
      // Another relay may have been ahead.
      const stands = written.get(sink)
      if (stands !== undefined && stands >= to) return
      reached.set(sink, to)
      if (to - (stands ?? 0) >= RECORDS_A_WRITE) await flush()
    },
    flush,
    at: (sink) => written.get(sink),
  }
}
