/** Stretches of a process's log with their items' bytes, read once for all effects that come by. */
import pMap from 'p-map'
import { SchedulerError } from '../errors.ts'
import type { LogRecord } from '../log/record.ts'
import type { ReadingDeps } from './deps.ts'

/** A record with the bytes of its item, wherever those are kept. */
export interface WholeRecord extends LogRecord {
  rawItem?: Buffer
}

export interface Stretch {
  process: string
  /** In order, without a gap; at least one. */
  records: readonly WholeRecord[]
  /** First nonce of it. */
  from: number
  /** The nonce after its last. */
  next: number
}

/** The stretch that begins at `from`; nonces below `next` exist. Fails with `unavailable`. */
export type StretchReader = (from: number, next: number) => Promise<Stretch>

/** A stretch ends where a multiple of this begins, so that effects that began at different nonces meet again. */
const MAX_RECORDS = 64
/** Unless it is one record, a stretch's blobs have no more bytes. Two stretches may be held for each process. */
const MAX_BLOB_BYTES = 8_000_000
const BLOBS_AT_ONCE = 4
const STRETCHES_KEPT = 2

/** For one process. Keeps the last stretches, for the other effect. */
export function createStretchReader(deps: ReadingDeps, process: string): StretchReader {
  const kept = new Map<number, Promise<Stretch>>()
  return (from, next) => {
    const known = kept.get(from)
    if (known !== undefined) return known
    const stretch = readStretch(deps, process, from, next)
    kept.set(from, stretch)
    // A failure is the caller's to hear, and not to be kept.
    stretch.catch(() => kept.delete(from))
    for (const oldest of [...kept.keys()].slice(0, -STRETCHES_KEPT)) kept.delete(oldest)
    return stretch
  }
}

async function readStretch(deps: ReadingDeps, process: string, from: number, next: number): Promise<Stretch> {
  const end = Math.min(next, (Math.floor(from / MAX_RECORDS) + 1) * MAX_RECORDS)
  const found = await deps.records.records(process, from, end - 1)
  const inPlace = (record: LogRecord, index: number) => record.process === process && record.nonce === from + index
  // Of large ones fewer may come than were asked for.
  if (found.length === 0 || found.length > end - from || !found.every(inPlace)) {
    throw new SchedulerError('unavailable', 'A record of the log is missing or out of place.')
  }
  const records = found.slice(0, countThatFits(found))
  const whole = await pMap(records, (record) => readWhole(deps, record), { concurrency: BLOBS_AT_ONCE })
  return { process, records: whole, from, next: from + whole.length }
}

/** A record with the bytes of its item. Fails with `unavailable`. */
export async function readWhole({ blobs }: ReadingDeps, record: LogRecord): Promise<WholeRecord> {
  const { item } = record
  if (item === undefined) return record
  return { ...record, rawItem: 'raw' in item ? item.raw : await blobs.get(item.blob) }
}

function countThatFits(records: readonly LogRecord[]): number {
  let bytes = 0
  for (const [index, { item }] of records.entries()) {
    if (item && 'blob' in item) bytes += item.blob.bytes
    if (bytes > MAX_BLOB_BYTES) return Math.max(1, index)
  }
  return records.length
}
