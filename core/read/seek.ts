/**
 * From a timestamp to a nonce. The log's time keys never fall from one nonce to the next, so a search over them always
 * finds the answer; what the index says is a hint that can only save rounds, since the answer is taken from the log's keys alone, as
 * they are now or as this instance saw them.
 */
import type { LogStore } from '../ports/log-store.ts'
import type { TimeIndex } from '../ports/metadata-index.ts'
import type { ProcessMemory } from './process-memory.ts'
import { outOfPlace } from './read-records.ts'

export interface SeekDeps {
  log: LogStore
  times: TimeIndex
  memory: ProcessMemory
}

/** Nonces that are searched, and the time key of the last one. */
export interface SeekRange {
  process: string
  first: number
  last: number
  /** ms */
  lastTimeKey: number
}

/** Keys asked for in one call. A million records then take four rounds. */
const PROBES = 32

/**
 * The greatest nonce of the range whose time key is at most `timestamp` (ms); `first - 1` where there is none.
 * Fails with `unavailable`.
 */
export async function seek({ log, times, memory }: SeekDeps, range: SeekRange, timestamp: number): Promise<number> {
  const { process, first, last, lastTimeKey } = range
  if (last < first) return first - 1
  if (timestamp >= lastTimeKey) return last
  const known = memory.recall(process, timestamp)
  if (known?.settled) return Math.max(first - 1, Math.min(last, known.nonce))
  const bracket: Bracket = { below: first - 1, above: last }

  // A range that one round settles is not worth asking the index about.
  const askIndex = last - first > PROBES
  const hint = known?.nonce ?? (askIndex ? await times.lastNonceUpTo(process, timestamp) : undefined)
  if (hint !== undefined && Number.isSafeInteger(hint)) {
    // If the hint is right, these two show it.
    await narrow(log, process, timestamp, bracket, within(bracket, [hint, hint + 1]))
  }
  while (bracket.above - bracket.below > 1) {
    await narrow(log, process, timestamp, bracket, spread(bracket))
  }
  // The key behind it, which is in the log for good, is greater.
  memory.remember(process, timestamp, { nonce: bracket.below, settled: true })
  return bracket.below
}

/** What is known: the key at `below` is at most the timestamp (or there is no such record), the key at `above` is greater. */
interface Bracket {
  below: number
  above: number
}

async function narrow(
  log: LogStore,
  process: string,
  timestamp: number,
  bracket: Bracket,
  nonces: readonly number[],
): Promise<void> {
  if (nonces.length === 0) return
  const keys = await log.timeKeys(process, nonces)
  if (keys.length !== nonces.length) throw outOfPlace()
  let previous = Number.NEGATIVE_INFINITY
  for (const [index, nonce] of nonces.entries()) {
    const key = keys[index]
    if (key === undefined || key < previous) throw outOfPlace()
    previous = key
    if (key <= timestamp) bracket.below = Math.max(bracket.below, nonce)
    else bracket.above = Math.min(bracket.above, nonce)
  }
}

const within = ({ below, above }: Bracket, nonces: readonly number[]): number[] =>
  nonces.filter((nonce) => nonce > below && nonce < above)

/** Nonces strictly inside the bracket, evenly spread and rising: all of them where they are few. */
function spread({ below, above }: Bracket): number[] {
  const count = Math.min(above - below - 1, PROBES)
  const step = (above - below) / (count + 1)
  return Array.from({ length: count }, (_, index) => below + Math.floor((index + 1) * step))
}
