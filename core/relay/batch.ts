/** Batches of a process's records with their items' bytes, read once for all sinks that come by. */
import pMap from 'p-map'
import { SchedulerError } from '../errors.ts'
import type { LogRecord } from '../log/record.ts'
import { type BlobStore, LostBlob } from '../ports/blob-store.ts'
import type { LogStore } from '../ports/log-store.ts'

/** Where records and the bytes of their items are read. */
export interface ReadingDeps {
  records: Pick<LogStore, 'records'>
  blobs: Pick<BlobStore, 'get'>
}

/** A record with the bytes of its item, wherever those are kept. */
export interface WholeRecord extends LogRecord {
  rawItem?: Buffer
}

/** Why a record, or the body of its item, cannot be read. */
export interface Unread {
  reason: string
  /** It is missing or altered for certain, or its neighbours can be read: waiting for the store will not help. */
  lost: boolean
}

export type BatchEntry = { nonce: number } & (
  | { record: WholeRecord; unread?: undefined }
  /** `record`: all but the bytes of its item, where that much could be read. */
  | { record?: LogRecord; unread: Unread }
)

export interface Batch {
  process: string
  /** In order, without a gap; at least one. */
  entries: readonly BatchEntry[]
  /** The nonce after its last. */
  next: number
}

/** The batch that begins at `from`; nonces below `next` exist. Fails with `unavailable` where the log does not answer. */
export type BatchReader = (from: number, next: number) => Promise<Batch>

/** A batch ends where a multiple of this begins, so that sinks that began at different nonces meet again. */
const MAX_RECORDS = 64
/** Unless it is one record, a batch's blobs have no more bytes. */
const MAX_BLOB_BYTES = 4_000_000
const BLOBS_AT_ONCE = 4
const BATCHES_KEPT = 2

/** For one process. Keeps the last batches, for the other sink. */
export function createBatchReader(deps: ReadingDeps, process: string): BatchReader {
  const kept = new Map<number, Promise<Batch>>()
  return (from, next) => {
    const known = kept.get(from)
    if (known !== undefined) return known
    const batch = readBatch(deps, process, from, next)
    kept.set(from, batch)
    // The caller hears of a failure; it is not kept.
    batch.catch(() => kept.delete(from))
    for (const oldest of [...kept.keys()].slice(0, -BATCHES_KEPT)) kept.delete(oldest)
    return batch
  }
}

async function readBatch(deps: ReadingDeps, process: string, from: number, next: number): Promise<Batch> {
  const end = Math.min(next, (Math.floor(from / MAX_RECORDS) + 1) * MAX_RECORDS)
  const found = await recordsFrom(deps, process, from, end, next)
  if ('unread' in found) return { process, entries: [{ nonce: from, unread: found.unread }], next: from + 1 }
  const records = found.records.slice(0, countThatFits(found.records))
  const entries = await pMap(records, (record) => readEntry(deps, record), { concurrency: BLOBS_AT_ONCE })
  const anyBodyRead = entries.some(({ record, unread }) => !unread && record.item && 'blob' in record.item)
  // A store that gives one body and not another is not away.
  const judged = entries.map((entry) =>
    entry.unread && anyBodyRead ? { ...entry, unread: { ...entry.unread, lost: true } } : entry,
  )
  return { process, entries: judged, next: from + judged.length }
}

/** Records from `from` on, or why the first of them cannot be read although the log answers. */
async function recordsFrom(
  deps: ReadingDeps,
  process: string,
  from: number,
  end: number,
  next: number,
): Promise<{ records: LogRecord[] } | { unread: Unread }> {
  try {
    return { records: await inPlace(deps, process, from, end) }
  } catch (error) {
    const [first] = await Promise.allSettled([inPlace(deps, process, from, from + 1)])
    if (first.status === 'fulfilled') return { records: first.value }
    // One that can be read beside it shows that the log answers: this record alone is damaged.
    const neighbours = [from - 1, from + 1].filter((nonce) => nonce >= 0 && nonce < next)
    const answers = await Promise.allSettled(neighbours.map((nonce) => inPlace(deps, process, nonce, nonce + 1)))
    if (!answers.some(({ status }) => status === 'fulfilled')) throw error
    return { unread: { reason: reasonOf(first.reason), lost: true } }
  }
}

/** At least one record from `from` on, below `end`. Fails with `unavailable`, also where one is missing. */
async function inPlace({ records }: ReadingDeps, process: string, from: number, end: number): Promise<LogRecord[]> {
  const found = await records.records(process, from, end - 1)
  const fits = (record: LogRecord, index: number) => record.process === process && record.nonce === from + index
  // Of large ones fewer may come than were asked for.
  if (found.length === 0 || found.length > end - from || !found.every(fits)) {
    throw new SchedulerError('unavailable', 'A record of the log is missing or out of place.')
  }
  return found
}

async function readEntry(deps: ReadingDeps, record: LogRecord): Promise<BatchEntry> {
  const { nonce } = record
  try {
    return { nonce, record: await readWhole(deps, record) }
  } catch (error) {
    return { nonce, record, unread: { reason: reasonOf(error), lost: error instanceof LostBlob } }
  }
}

/** A record with the bytes of its item. Fails with `unavailable`; with LostBlob where they are gone. */
export async function readWhole({ blobs }: Pick<ReadingDeps, 'blobs'>, record: LogRecord): Promise<WholeRecord> {
  const { item } = record
  if (item === undefined) return record
  return { ...record, rawItem: 'raw' in item ? item.raw : await blobs.get(item.blob) }
}

/** The records of a batch. Fails with `unavailable` where one of them cannot be read. */
export function wholeRecords({ entries }: Batch): WholeRecord[] {
  return entries.map(({ nonce, record, unread }) => {
    if (!unread) return record
    throw unread.lost
      ? new LostRecord(nonce, unread.reason)
      : new SchedulerError('unavailable', `Record ${nonce} cannot be read: ${unread.reason}`)
  })
}

/** A record of a range is lost: waiting will not help. */
export class LostRecord extends SchedulerError {
  constructor(nonce: number, reason: string) {
    super('unavailable', `Record ${nonce} cannot be read: ${reason}`)
  }
}

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function countThatFits(records: readonly LogRecord[]): number {
  let bytes = 0
  for (const [index, { item }] of records.entries()) {
    if (item && 'blob' in item) bytes += item.blob.bytes
    if (bytes > MAX_BLOB_BYTES) return Math.max(1, index)
  }
  return records.length
}
