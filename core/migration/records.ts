/** The steps that go through a process's records: audited in the source, copied, compared on both sides. */
import pMap from 'p-map'
import type { Fault } from '../audit/fault.ts'
import { hasCode } from '../errors.ts'
import type { LogRecord } from '../log/record.ts'
import type { ImportedRecord } from '../ports/log-import.ts'
import type { RowRange } from '../ports/migration-source.ts'
import type { ProcessRun } from './run.ts'
import { type Walked, walk } from './walk.ts'

/** Records that are written by one call. */
const RECORDS_A_CALL = 100
const BODIES_AT_ONCE = 8
const ALL: RowRange = { from: 0 }
const NEVER = Number.POSITIVE_INFINITY

/** Something that the log holds, or cannot hold: known only where it is written. */
class Refused extends Error {
  readonly fault: Fault
  constructor(fault: Fault) {
    super(fault.what)
    this.fault = fault
  }
}

/**
 * Goes through the rows that were asked for, from a nonce on, and notes what is wrong. Gives the nonce after the last one. Throws Stopped, and
 * fails as the source does.
 */
export async function auditRecords(run: ProcessRun, from: number): Promise<number> {
  const { context, opened } = run
  const { deps, order } = context
  let next = from
  for await (const batch of walk(deps.source, opened, {
    rows: order.rows,
    from,
    verifyFrom: opened.firstNonce,
    owner: deps.owner,
  })) {
    for (const { faults } of batch) run.blame(faults)
    run.wentThrough(batch)
    next = nextOf(batch, next)
    run.stopIfLate('audit', next)
  }
  return next
}

/**
 * Copies the rows that were asked for, from a nonce on, and reads back what it wrote. Gives the nonce after the last one, and whether none
 * was left out on the way; the fault that it ended with, if it did. Throws Stopped; fails with `unavailable`.
 * @param audited nonces before it were audited. What comes after has come since, and is audited before it is written.
 */
export async function copyRecords(
  run: ProcessRun,
  from: number,
  audited: number,
): Promise<{ next: number; gapless: boolean } | { fault: Fault }> {
  const { context, opened } = run
  const { deps, order } = context
  let next = from
  let gapless = true
  try {
    for await (const batch of walk(deps.source, opened, {
      rows: order.rows,
      from,
      verifyFrom: audited,
      owner: deps.owner,
    })) {
      const [fault, ...more] = batch.flatMap(({ nonce, faults }) => (nonce < audited ? [] : faults))
      run.blame(more)
      if (fault && !order.despiteFaults) return { fault }
      if (fault) run.blame([fault])
      gapless &&= batch.every(({ nonce }, index) => nonce === next + index)
      for (let at = 0; at < batch.length; at += RECORDS_A_CALL) {
        const records = await makeReady(run, batch.slice(at, at + RECORDS_A_CALL), { bodies: true })
        await refusing(run, () => copyTogether(run, records))
      }
      next = nextOf(batch, next)
      run.wentThrough(batch)
      run.stopIfLate('copy', next)
    }
    return { next, gapless }
  } catch (error) {
    if (error instanceof Refused) return { fault: error.fault }
    throw error
  }
}

/**
 * Holds every record that the source has against the log, from a nonce on up to another, as many as are there. Gives the first nonce that is
 * not there, or the one after the last. Throws Stopped; fails with `unavailable`.
 */
export async function compareRecords(
  run: ProcessRun,
  from: number,
  end = Number.POSITIVE_INFINITY,
): Promise<{ next: number } | { fault: Fault }> {
  const { context, opened } = run
  const { deps } = context
  let next = from
  try {
    for await (const batch of walk(deps.source, opened, { rows: ALL, from, verifyFrom: NEVER, owner: deps.owner })) {
      for (let at = 0; at < batch.length; at += RECORDS_A_CALL) {
        const wanted = batch.slice(at, at + RECORDS_A_CALL).filter(({ nonce }) => nonce < end)
        const records = await makeReady(run, wanted, { bodies: false })
        const held = await refusing(run, () => deps.imports.held(records))
        for (const [index, record] of records.entries()) {
          if (!held[index] || record.nonce !== next) return { next }
          await checkBody(run, record)
          next++
        }
        if (next >= end) return { next }
      }
      run.stopIfLate('compare', next)
    }
    return { next }
  } catch (error) {
    if (error instanceof Refused) return { fault: error.fault }
    throw error
  }
}

async function copyTogether(run: ProcessRun, records: readonly ImportedRecord[]): Promise<void> {
  const { imports } = run.context.deps
  const [first] = records
  if (!first) return
  // To ask costs a tenth of writing what is there already; where the first one is not there, none is, mostly.
  const [begun] = await imports.held([first])
  const held = begun ? await imports.held(records) : []
  const missing = records.filter((_, index) => !held[index])
  run.there += records.length - missing.length
  if (missing.length === 0) return
  await imports.add(missing)
  const kept = await imports.held(missing)
  const lost = missing.find((_, index) => !kept[index])
  if (lost) throw new Error(`nonce ${lost.nonce} of process ${lost.process} was written and is not there`)
  run.copied += missing.length
}

/** As the log is to hold them. @param bodies whether bodies that do not fit a record are put where they are kept */
function makeReady(
  run: ProcessRun,
  batch: readonly Walked[],
  { bodies }: { bodies: boolean },
): Promise<ImportedRecord[]> {
  const { deps, deepHashes } = run.context
  const makeOne = async ({ nonce, ready }: Walked): Promise<ImportedRecord> => {
    if (!ready)
      throw new Refused({ nonce, kind: 'bundle', what: 'has a row that cannot be read: the log cannot hold it' })
    const { record, stored } = ready
    const { item } = record
    if (bodies && item && 'blob' in item && stored.item) await deps.blobs.put(item.blob, stored.item.raw)
    const found = await deepHashes(stored)
    if ('unknown' in found)
      notYet(run, { nonce, what: `is the transaction ${stored.id}, known by its id only: ${found.unknown}` })
    const hash = 'hash' in found ? found.hash : undefined
    return {
      ...record,
      ...(stored.assignment && { assignmentId: stored.assignment.id }),
      ...(hash !== undefined && { deepHash: hash }),
    }
  }
  return pMap(batch, makeOne, { concurrency: BODIES_AT_ONCE })
}

/** A step that is repeated says it once. */
function notYet(run: ProcessRun, notice: { nonce: number; what: string }): void {
  if (!run.notices.some(({ nonce }) => nonce === notice.nonce)) run.notice(notice)
}

/** What the log refuses is the record's fault. */
async function refusing<T>(run: ProcessRun, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (hasCode(error, 'already-scheduled')) {
      const nonce = error.details.place?.nonce ?? run.opened.firstNonce
      throw new Refused({ nonce, kind: 'occupied', what: 'is something else in the log here than in the source' })
    }
    throw error
  }
}

/** Fails with `unavailable`, also where the body is missing or altered. */
async function checkBody({ context }: ProcessRun, { item }: LogRecord): Promise<void> {
  if (item && 'blob' in item) await context.deps.blobs.get(item.blob)
}

const nextOf = (batch: readonly Walked[], from: number): number => (batch.at(-1)?.nonce ?? from - 1) + 1
