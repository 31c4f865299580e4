/**
 * Uploads a process again from a time on, whatever the watermark says: for what a bundler took and lost
 * (contract, "Upload": `reupload_bundles`).
 */
import pMap from 'p-map'
import { SchedulerError } from '../errors.ts'
import type { LogStore } from '../ports/log-store.ts'
import type { ReadingDeps } from './batch.ts'
import { createBatchReader, type WholeRecord, wholeRecords } from './batch.ts'
import type { UploadDeps } from './deps.ts'
import { createNaps } from './pace.ts'
import { partsOf, type UploadPart } from './parts.ts'
import { type PartOutcome, uploadPart } from './upload.ts'

export interface ReuploadDeps extends UploadDeps, ReadingDeps {
  records: Pick<LogStore, 'head' | 'records' | 'timeKeys'>
}

export interface Reupload {
  /** Records from this time on, ms, inclusive. */
  since: number
  /** Between one record and the next, ms; with none, several go at once. */
  delayMs: number
  /** For each record, how long trouble is borne with. */
  attemptMs?: number
}

export interface Reuploaded {
  process: string
  nonce: number
  /** ms; from here on (`since`) it can be taken up again. */
  timeKey: number
  parts: (Pick<UploadPart, 'part' | 'id'> & { outcome: PartOutcome })[]
}

const RECORDS_AT_ONCE = 16

/**
 * Sends records again, in order, as the caller asks for the next. Trouble is in what it gives and ends nothing: the caller
 * decides. Fails with `not-found` for a process that is not here, `unavailable` where the log cannot be read.
 */
export async function* reupload(
  deps: ReuploadDeps,
  process: string,
  { since, delayMs, attemptMs = 30_000 }: Reupload,
): AsyncGenerator<Reuploaded> {
  const head = await deps.records.head(process)
  if (head === undefined) throw new SchedulerError('not-found', `Process ${process} is not known here.`)
  const read = createBatchReader(deps, process)
  const send = async (record: WholeRecord): Promise<Reuploaded> => {
    const patience = { deadline: deps.clock.now() + attemptMs, naps: createNaps(deps.clock, attemptMs) }
    const parts = partsOf(record).map(async (part) => ({
      part: part.part,
      id: part.id,
      outcome: await uploadPart(deps, part, patience),
    }))
    return { process, nonce: record.nonce, timeKey: record.timeKey, parts: await Promise.all(parts) }
  }
  for (let from = await firstSince(deps, head, since); from < head.next; ) {
    const batch = await read(from, head.next)
    const records = wholeRecords(batch)
    if (delayMs > 0) {
      for (const record of records) {
        yield await send(record)
        if (record.nonce < head.next - 1) await deps.clock.sleep(delayMs)
      }
    } else yield* await pMap(records, send, { concurrency: RECORDS_AT_ONCE })
    from = batch.next
  }
}

/** The first nonce whose time key is at least `since`; `next` where there is none. Time keys never fall. */
async function firstSince(
  { records }: ReuploadDeps,
  { process, next, firstNonce }: { process: string; next: number; firstNonce: 0 | -1 },
  since: number,
): Promise<number> {
  let [low, high] = [firstNonce as number, next]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const [key] = await records.timeKeys(process, [middle])
    if (key === undefined) throw new SchedulerError('unavailable', 'A record of the log is missing.')
    if (key < since) low = middle + 1
    else high = middle
  }
  return low
}
