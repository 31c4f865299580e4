/** Records of the log, checked to be the ones that were asked for: what is out of place is never served. */
import { SchedulerError } from '../errors.ts'
import type { LogRecord } from '../log/record.ts'
import type { LogStore } from '../ports/log-store.ts'

/**
 * Records from `from` up to `to` (nonces, both inclusive), which a head covers; fewer, at least one, where they are large. Fails
 * with `unavailable`, also on a hole.
 */
export async function readRecords(log: LogStore, process: string, from: number, to: number): Promise<LogRecord[]> {
  const records = await log.records(process, from, to)
  const inPlace =
    records.length > 0 &&
    records.length <= to - from + 1 &&
    records.every((record, index) => record.process === process && record.nonce === from + index)
  if (!inPlace) throw outOfPlace()
  return records
}

/** The one record at a nonce that a head covers. */
export async function readRecord(log: LogStore, process: string, nonce: number): Promise<LogRecord> {
  const [record] = await readRecords(log, process, nonce, nonce)
  if (record === undefined) throw outOfPlace()
  return record
}

export const outOfPlace = () =>
  new SchedulerError('unavailable', 'The log of this process is not whole: a record is missing or out of place.')
