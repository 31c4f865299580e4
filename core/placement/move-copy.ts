/** Copies a process's log from one unit to another, as far as it goes by now, and audits it on the way. */
import pMap, { pMapIterable } from 'p-map'
import type { Fault } from '../audit/fault.ts'
import { factsOf, readable } from '../audit/item-facts.ts'
import { type AuditedRecord, ScheduleAudit } from '../audit/schedule-audit.ts'
import { SchedulerError } from '../errors.ts'
import type { Head, LogRecord } from '../log/record.ts'
import type { ImportedRecord } from '../ports/log-import.ts'
import { type DeepHashDeps, deepHashOf, type FoundDeepHash } from './move-deep-hash.ts'
import { refusal, type UnitStores } from './move-stores.ts'

const RECORDS_A_STRETCH = 64
/** Stretches that are read and made ready while the one before is written. */
const AHEAD = 4
/** Bodies of a stretch that are held at once, and transactions that the gateway is asked for. */
const BODIES_AT_ONCE = 2
/** Faults that a refusal names. */
const NAMED = 5

export interface CopyDeps {
  from: Pick<UnitStores, 'url' | 'log' | 'blobs' | 'imports'>
  to: Pick<UnitStores, 'blobs' | 'imports'>
  gateway: DeepHashDeps['gateway']
}

export interface CopyOptions {
  /** Copies what is not sound as it is, and tells of it. */
  despiteFaults: boolean
  /** @param next the first nonce that is not copied */
  onProgress?: ((next: number) => void) | undefined
}

/** A transaction of which it cannot be told whether it has a deep hash: its twin might be assigned a second time. */
export interface WithoutDeepHash {
  nonce: number
  id: string
  reason: string
}

interface Ready extends AuditedRecord {
  deepHash: FoundDeepHash
}

export class LogCopy {
  readonly withoutDeepHash: WithoutDeepHash[] = []
  /** First nonce that is not copied yet. */
  next: number
  private readonly deps: CopyDeps
  private readonly options: CopyOptions
  private readonly process: string
  private readonly audit: ScheduleAudit

  constructor(deps: CopyDeps, head: Pick<Head, 'process' | 'firstNonce'>, options: CopyOptions) {
    this.deps = deps
    this.options = options
    this.process = head.process
    this.next = head.firstNonce
    // It may have come from another unit.
    this.audit = new ScheduleAudit(head, { history: 'any' })
  }

  get faults(): readonly Fault[] {
    return this.audit.faults
  }

  /**
   * Copies what is left up to this nonce, not included, which a head has covered. Fails with `invalid-request` at what is
   * not sound, `already-scheduled` where the other log holds something else, and `unavailable`.
   */
  async upTo(next: number): Promise<void> {
    const starts: number[] = []
    for (let from = this.next; from < next; from += RECORDS_A_STRETCH) starts.push(from)
    const endOf = (from: number) => Math.min(next, from + RECORDS_A_STRETCH)
    const prepare = (from: number) => this.prepare(from, endOf(from))
    for await (const stretch of pMapIterable(starts, prepare, { concurrency: AHEAD, backpressure: AHEAD })) {
      const end = endOf(this.next)
      await this.write(stretch)
      // Where records are large, only the first ones are read ahead.
      while (this.next < end) await this.write(await this.prepare(this.next, end))
    }
  }

  /** Whether what was copied is all that this head covers. Fails with `invalid-request` otherwise. */
  end(head: Head): void {
    this.audit.end(head)
    this.refuseFaults()
  }

  private async write(stretch: readonly Ready[]): Promise<void> {
    await this.deps.to.imports.add(stretch.map((ready) => this.imported(ready)))
    this.next += stretch.length
    this.options.onProgress?.(this.next)
  }

  private async prepare(from: number, end: number): Promise<Ready[]> {
    const { log } = this.deps.from
    const records = await log.records(this.process, from, end - 1)
    if (records.length === 0) throw new SchedulerError('unavailable', 'A record of the log is missing.')
    return pMap(records, (record) => this.ready(record), { concurrency: BODIES_AT_ONCE })
  }

  private async ready(record: LogRecord): Promise<Ready> {
    const { from, to, gateway } = this.deps
    const raw = await bodyOf(from, record)
    if (raw && record.item && 'blob' in record.item) await to.blobs.put(record.item.blob, raw)
    const item = raw && readable(raw)
    return {
      record,
      item: item && factsOf(item),
      deepHash: await deepHashOf({ imports: from.imports, gateway }, record, item),
    }
  }

  private imported({ deepHash, ...audited }: Ready): ImportedRecord {
    const { record } = audited
    const assignmentId = this.audit.next(audited)
    this.refuseFaults()
    if ('unknown' in deepHash) {
      this.withoutDeepHash.push({ nonce: record.nonce, id: record.id, reason: deepHash.unknown })
    }
    return {
      ...record,
      ...(assignmentId !== undefined && { assignmentId }),
      ...('hash' in deepHash && deepHash.hash !== undefined && { deepHash: deepHash.hash }),
    }
  }

  private refuseFaults(): void {
    if (this.options.despiteFaults || this.faults.length === 0) return
    throw unsound(this.deps.from.url, this.faults)
  }
}

/** The bytes of a record's item. Fails with `unavailable`. */
export async function bodyOf(
  { blobs }: Pick<CopyDeps['from'], 'blobs'>,
  { item }: LogRecord,
): Promise<Buffer | undefined> {
  if (!item) return undefined
  return 'raw' in item ? item.raw : blobs.get(item.blob)
}

export function unsound(url: string, faults: readonly Fault[]): SchedulerError {
  const named = faults.slice(0, NAMED).map(({ nonce, what }) => `nonce ${nonce} ${what}`)
  const more = faults.length > NAMED ? `, and ${faults.length - NAMED} more` : ''
  return refusal(`The log on ${url} is not sound: ${named.join(', ')}${more}.`)
}
