/** What reading needs from outside, given once for each instance. */
import type { BlobRef } from '../ports/blob-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { LogStore } from '../ports/log-store.ts'
import type { TimeIndex } from '../ports/metadata-index.ts'
import type { Meter, TimedFunction } from '../ports/meter.ts'
import type { SegmentDamage } from '../ports/segment-damage.ts'
import type { SegmentReader } from '../ports/segment-store.ts'
import type { LogMemory } from './log-memory.ts'
import type { ProcessMemory } from './process-memory.ts'

/** A body that is in use. It counts until it is released. */
export interface HeldBody {
  raw: Buffer
  release(): void
}

export interface BodyReads {
  /** Every body that comes must be released. Fails with `unavailable`. */
  hold(ref: BlobRef): Promise<HeldBody>
}

export interface ReadDeps {
  log: LogStore
  /** Lives as long as the instance; `createBodyReads()`. */
  bodies: BodyReads
  /** The finished part of the log, packed; what it does not have the log has. */
  segments: SegmentReader
  damage: SegmentDamage
  /** Only ever a hint. */
  times: TimeIndex
  /** Lives as long as the instance; `createProcessMemory()`. */
  memory: ProcessMemory
  /** Likewise; `createLogMemory()`. */
  nodes: LogMemory
  meter: Meter
  clock: Clock
  /**
   * Where a page ends for its size, bytes of its JSON text. A Lambda streams 6 MB fast, then 2 MB a second
   * (docs/architecture.md), so `defaultMaxPageBytes` unless configured.
   */
  maxPageBytes: number
}

export const defaultMaxPageBytes = 5_000_000

/** Runs `run` and has the meter know how long it took, also when it failed. */
export async function timed<T>(
  { meter, clock }: Pick<ReadDeps, 'meter' | 'clock'>,
  name: TimedFunction,
  run: () => Promise<T>,
): Promise<T> {
  const start = clock.now()
  try {
    return await run()
  } finally {
    meter.time(name, Math.round(clock.now() - start))
  }
}
