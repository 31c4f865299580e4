/**
 * Goes through a process in the source, nonce by nonce, and makes of each row the record that the log is to hold. What is wrong with it
 * comes with it: bytes that are no bundle, columns that say something else than what was signed, a chain that breaks, signatures.
 * That nonces are missing or doubled is asked of the source as a whole (`survey.ts`): here they are passed over.
 */
import { createHash } from 'node:crypto'
import pMap from 'p-map'
import type { DataItem } from '../ans104/data-item.ts'
import type { Fault } from '../audit/fault.ts'
import { factsOf } from '../audit/item-facts.ts'
import { ScheduleAudit } from '../audit/schedule-audit.ts'
import { isSigned, signatureFaults } from '../audit/signatures.ts'
import { hasCode } from '../errors.ts'
import type { LogRecord, StoredItem } from '../log/record.ts'
import type { MigrationSource, RowRange, SourceMessage, SourceProcess } from '../ports/migration-source.ts'
import { renderedItemBytes } from '../read/render.ts'
import { INLINE_BYTES } from '../schedule/store-item.ts'
import { readMessage, readProcess, type StoredRecord, wrongColumns } from './stored-bundle.ts'

/** What is known of a process before any of its messages. */
export interface OpenedProcess {
  process: string
  firstNonce: 0 | -1
  settlementDepth: number
  first: StoredRecord
  row: SourceProcess
}

/** A row of the source, made ready. */
export interface Walked {
  nonce: number
  /** None where the bytes are none that could be held. */
  ready?: { record: LogRecord; stored: StoredRecord }
  faults: readonly Fault[]
}

export interface WalkOptions {
  rows: RowRange
  /** The first nonce that is wanted. */
  from: number
  /** Signatures are verified from this nonce on, which most of the time goes into: those before it were verified already. */
  verifyFrom: number
  /** Public key of the log's wallet, 512 bytes. */
  owner: Buffer
}

const SIGNATURES_AT_ONCE = 8

/** The process's own row, read. Its faults come with the first of `walk`. Fails with `invalid-item` where it is none. */
export function openProcess(row: SourceProcess): OpenedProcess {
  const first = readProcess(row)
  const depth = first.item ? factsOf(first.item).settlementDepth : 0
  return { process: row.process, firstNonce: first.assignment ? 0 : -1, settlementDepth: depth, first, row }
}

/** In the order of nonces, as many at once as the source gives; each nonce once. Fails as the source does. */
export async function* walk(
  source: MigrationSource,
  opened: OpenedProcess,
  options: WalkOptions,
): AsyncGenerator<Walked[]> {
  const { process, firstNonce, first, row } = opened
  const { rows, from } = options
  const walk = new Walk(opened, options)
  // Whoever brings in any of its messages brings in the process.
  if (from <= firstNonce) yield [await walk.take(row, first)]
  for await (const batch of source.messages(process, rows, Math.max(from, firstNonce + 1))) {
    const steps: (() => Promise<Walked>)[] = []
    for (const message of batch) {
      if (message.nonce < walk.next) continue
      // The rows that are wanted begin in the middle of it, or leave some out: it goes on from what stands before.
      if (message.nonce > walk.next) await walk.goOn(source, message.nonce)
      steps.push(walk.begin(message))
    }
    yield await pMap(steps, (step) => step(), { concurrency: SIGNATURES_AT_ONCE })
  }
}

class Walk {
  next: number
  private audit: ScheduleAudit
  /** The greatest timestamp up to the last record, as far as it is in a page. */
  private latest = 0
  private readonly opened: OpenedProcess
  private readonly options: WalkOptions

  constructor(opened: OpenedProcess, options: WalkOptions) {
    this.opened = opened
    this.options = options
    this.next = opened.firstNonce
    this.audit = new ScheduleAudit(opened, { history: 'any' })
  }

  take(row: SourceProcess | SourceMessage, stored: StoredRecord): Promise<Walked> {
    return this.step(row, stored)()
  }

  /** What is told by the order is told now, what a signature tells when the step is called. */
  begin(row: SourceMessage): () => Promise<Walked> {
    try {
      return this.step(row, readMessage(row))
    } catch (error) {
      if (!hasCode(error, 'invalid-item')) throw error
      const { nonce } = row
      this.next = nonce + 1
      this.audit.skip('bundle', `has a row that cannot be read: ${error.message}`)
      const faults = this.audit.faults.splice(0)
      return async () => ({ nonce, faults })
    }
  }

  /** The next row is of this nonce, which is not the next one. */
  async goOn(source: MigrationSource, nonce: number): Promise<void> {
    const { opened } = this
    const { process, firstNonce, first } = opened
    const previous = await this.previous(source, nonce)
    const latest = (await source.latestBefore(process, nonce)) ?? 0
    this.latest = Math.max(latest, firstNonce === 0 ? first.timestamp : 0)
    this.audit = new ScheduleAudit(opened, {
      history: 'any',
      from: nonce,
      after: previous && logRecord(process, previous, this.latest),
    })
    this.next = nonce
  }

  /** The record before, if it is the one before. */
  private async previous(source: MigrationSource, nonce: number): Promise<StoredRecord | undefined> {
    const { process, firstNonce, first } = this.opened
    if (nonce - 1 === firstNonce) return first
    const row = await source.before(process, nonce)
    if (row?.nonce !== nonce - 1) return undefined
    try {
      return readMessage(row)
    } catch (error) {
      // It is found where it stands itself.
      if (hasCode(error, 'invalid-item')) return undefined
      throw error
    }
  }

  private step(row: SourceProcess | SourceMessage, stored: StoredRecord): () => Promise<Walked> {
    const { process, firstNonce } = this.opened
    const nonce = 'message' in row ? row.nonce : firstNonce
    this.next = nonce + 1
    const timeKey = Math.max(stored.timestamp, this.latest)
    if (nonce >= 0) this.latest = timeKey
    // What was signed stands where its row has it; where that is not its place, the audit says so.
    const record = { ...logRecord(process, stored, timeKey), nonce }
    this.audit.next({ record, item: stored.item && factsOf(stored.item) })
    const wrong = wrongColumns(row, stored)
    const faults = this.audit.faults.splice(0)
    if (wrong.length > 0) {
      faults.push({
        nonce,
        kind: 'row',
        what: `has a row that says something else than what was signed: ${wrong.join(', ')}`,
      })
    }
    return async () => ({
      nonce,
      ready: { record, stored },
      faults: [...faults, ...(await this.unsigned(record, stored))],
    })
  }

  private async unsigned(record: LogRecord, { item, outer, assignment }: StoredRecord): Promise<Fault[]> {
    const { verifyFrom, owner } = this.options
    if (record.nonce < verifyFrom) return []
    const faults = await signatureFaults(record, item, { history: 'any', owner })
    if (outer !== assignment && !(await isSigned(outer))) {
      faults.push({
        nonce: record.nonce,
        kind: 'bundle-signature',
        what: 'is stored in a bundle whose signature does not verify',
      })
    }
    return faults
  }
}

function logRecord(process: string, stored: StoredRecord, timeKey: number): LogRecord {
  const { kind, id, nonce, timestamp, blockHeight, assignment, item } = stored
  return {
    process,
    nonce,
    kind,
    id,
    timestamp,
    timeKey,
    blockHeight,
    ...(assignment && { assignment: assignment.raw }),
    ...(item && { item: storedItem(kind, item) }),
  }
}

/** As a message that is posted here is kept. */
function storedItem(kind: LogRecord['kind'], item: DataItem): StoredItem {
  const { id, raw } = item
  if (raw.length <= INLINE_BYTES) return { id, raw }
  const blob = { id, sha256: createHash('sha256').update(raw).digest(), bytes: raw.length }
  return { id, blob, renderedBytes: renderedItemBytes({ kind }, item) }
}
