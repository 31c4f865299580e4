/**
 * Metadata against the log: written again, for an index that was lost, replaced, branched back or given a new column, and counted.
 */
import { pMapIterable } from 'p-map'
import { hasCode } from '../errors.ts'
import type { Progress, RelayStore } from '../ports/relay-store.ts'
import type { IndexedNonces } from '../ports/restore-sources.ts'
import { createBatchReader, type ReadingDeps, reasonOf } from './batch.ts'
import type { RelayDeps } from './deps.ts'
import { indexRecords } from './metadata.ts'
import { createNaps } from './pace.ts'

/** Nonces of a process, from `from` to below `next`; none where they are equal. */
export interface NonceRange {
  process: string
  from: number
  next: number
}

type Ranges = AsyncIterable<NonceRange> | Iterable<NonceRange>

export interface Rebuilt extends NonceRange {
  /** Rows written. */
  indexed: number
  /** Records, or bodies of items, that are lost: they have no row. */
  lost: { nonce: number; reason: string }[]
  /** Why it stopped before `next`, at this nonce: log, bucket or index do not answer. */
  trouble?: { nonce: number; reason: string }
}

const RECORDS_A_RANGE = 256
const RANGES_AT_ONCE = 8
const PATIENCE_MS = 30_000

/**
 * Writes the rows of these ranges, in pieces that come back in order: all before a piece is done. Trouble ends nothing by itself:
 * the caller decides. What runs already ends by itself after the caller has left.
 */
export async function* rebuildIndex(
  deps: ReadingDeps & Pick<RelayDeps, 'index' | 'clock'>,
  ranges: Ranges,
): AsyncGenerator<Rebuilt> {
  yield* pMapIterable(piecesOf(ranges, RECORDS_A_RANGE), (piece) => rebuildRange(deps, piece), {
    concurrency: RANGES_AT_ONCE,
  })
}

async function rebuildRange(
  deps: ReadingDeps & Pick<RelayDeps, 'index' | 'clock'>,
  range: NonceRange,
): Promise<Rebuilt> {
  const { process, from, next } = range
  const read = createBatchReader(deps, process)
  const naps = createNaps(deps.clock, PATIENCE_MS)
  const rebuilt: Rebuilt = { ...range, indexed: 0, lost: [] }
  for (let nonce = from; nonce < next; ) {
    try {
      const batch = await read(nonce, next)
      const away = batch.entries.find(({ unread }) => unread && !unread.lost)
      if (away?.unread) return { ...rebuilt, trouble: { nonce, reason: away.unread.reason } }
      const whole = batch.entries.flatMap(({ record, unread }) => (unread ? [] : [record]))
      const reason = whole.length === 0 ? undefined : await indexRecords(deps, whole, naps)
      if (reason !== undefined) return { ...rebuilt, trouble: { nonce, reason } }
      rebuilt.indexed += whole.length
      for (const entry of batch.entries) {
        if (entry.unread) rebuilt.lost.push({ nonce: entry.nonce, reason: entry.unread.reason })
      }
      nonce = batch.next
    } catch (error) {
      if (!hasCode(error, 'unavailable')) throw error
      return { ...rebuilt, trouble: { nonce, reason: reasonOf(error) } }
    }
  }
  return rebuilt
}

/** What the index has of a process. */
export interface Counted {
  process: string
  /** Records below the watermark: each should have a row. */
  records: number
  /** Records that the relay has not come to. */
  pending: number
  /** Rows that are missing, by range of nonces, both inclusive. */
  gaps: { from: number; to: number; missing: number }[]
  /** The greatest nonce that has a row, where the log ends before it. */
  beyond?: number
  /** Whether `processes` has its row, where it should. */
  listed: boolean
}

/** Bounds of one query, so that it stays below the time limit of a statement even where Postgres reads from a cold disk. */
const RECORDS_A_QUERY = 100_000
const PROCESSES_A_QUERY = 500

export interface CountDeps {
  store: Pick<RelayStore, 'progress'>
  nonces: Pick<IndexedNonces, 'counts'>
}

/** Counts the rows of processes against their heads, in order, many processes a query. Fails with `unavailable`. */
export async function* verifyIndex(
  deps: CountDeps,
  processes: AsyncIterable<Progress> | Iterable<Progress>,
): AsyncGenerator<Counted> {
  let group: Progress[] = []
  let records = 0
  for await (const progress of processes) {
    group.push(progress)
    records += progress.next - progress.firstNonce
    if (group.length < PROCESSES_A_QUERY && records < RECORDS_A_QUERY) continue
    yield* countGroup(deps, group)
    group = []
    records = 0
  }
  yield* countGroup(deps, group)
}

async function* countGroup(deps: CountDeps, group: readonly Progress[]): AsyncGenerator<Counted> {
  const counted = new Map(group.map((progress) => [progress.process, emptyCount(progress)]))
  const ranges = group.map(({ process, firstNonce, done }) => {
    return { process, from: firstNonce, next: Math.max(firstNonce, done.metadata ?? firstNonce) }
  })
  for await (const query of queriesOf(piecesOf(ranges, RECORDS_A_QUERY))) {
    const counts = await deps.nonces.counts(query)
    for (const [index, { process, from, next }] of query.entries()) {
      const [found, count] = [counted.get(process), counts[index]]
      if (found === undefined || count === undefined) continue
      const missing = next - from - count.rows
      if (missing > 0) found.gaps.push({ from, to: next - 1, missing })
      found.listed &&= count.listed || next === from
      if (count.last !== undefined) found.beyond = Math.max(found.beyond ?? count.last, count.last)
    }
  }
  for (const progress of group) {
    const { beyond: last, ...found } = counted.get(progress.process) ?? emptyCount(progress)
    if (last === undefined || last < progress.next) yield found
    else {
      // The head may have moved meanwhile.
      const now = await deps.store.progress(progress.process)
      yield last < (now?.next ?? progress.firstNonce) ? found : { ...found, beyond: last }
    }
  }
}

function emptyCount({ process, firstNonce, next, done }: Progress): Counted {
  const records = Math.max(0, (done.metadata ?? firstNonce) - firstNonce)
  return { process, records, pending: Math.max(0, next - firstNonce - records), gaps: [], listed: true }
}

async function* queriesOf(pieces: AsyncIterable<NonceRange>): AsyncGenerator<NonceRange[]> {
  let query: NonceRange[] = []
  let records = 0
  for await (const piece of pieces) {
    query.push(piece)
    records += piece.next - piece.from
    if (records < RECORDS_A_QUERY) continue
    yield query
    query = []
    records = 0
  }
  if (query.length > 0) yield query
}

/** An empty range is one piece: its process is looked at too. */
async function* piecesOf(ranges: Ranges, size: number): AsyncGenerator<NonceRange> {
  for await (const { process, from, next } of ranges) {
    let position = from
    do {
      const end = Math.min(next, (Math.floor(position / size) + 1) * size)
      yield { process, from: position, next: end }
      position = end
    } while (position < next)
  }
}
