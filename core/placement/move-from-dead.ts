/**
 * Moves a process away from a unit that is lost, with no access to its log: the new unit holds a copy that an operator
 * restored, or that a move had finished when the unit died. The fence is the unit itself, which schedules nothing once it was
 * declared dead (`core/ports/own-placement.ts`); so that declaration must be older than a unit's trust in its last answer.
 */
import pMap, { pMapIterable } from 'p-map'
import { factsOf, readable } from '../audit/item-facts.ts'
import { type AuditedRecord, ScheduleAudit } from '../audit/schedule-audit.ts'
import type { Head, LogRecord } from '../log/record.ts'
import type { Placement } from '../ports/placement-store.ts'
import { arrive, type MoveDeps, type Moved, replace } from './move.ts'
import { bodyOf, unsound } from './move-copy.ts'
import { refusal, soundIdentity, type UnitStores } from './move-stores.ts'

/** A unit trusts an answer for 15 minutes while it cannot ask again, and its clock and ours may differ. */
export const DEAD_FOR_MS = 20 * 60_000

const RECORDS_A_STRETCH = 64
const AHEAD = 4
const BODIES_AT_ONCE = 2

/**
 * Whether the copy has the last that the lost unit gave out cannot be seen here: that is for whoever restored it to prove.
 * Fails with `invalid-request`, saying why it may not be done; with `unavailable`.
 */
export async function moveFromDead(
  deps: Pick<MoveDeps, 'placements' | 'clock'>,
  process: string,
  to: UnitStores,
): Promise<Moved> {
  const { placements } = deps
  await soundIdentity(to)
  const placement = await placements.read(process)
  if (!placement) throw refusal(`The process ${process} is placed on no unit.`)
  if (placement.unit === to.url && placement.state === 'settled') return arrive(placement, to)
  await longDead(deps, placement.unit)
  const version = placement.version + 1
  const copy = await completeCopy(to, placement)
  if (!(await to.imports.finish(copy, { ...copy, awaits: version }))) {
    throw refusal(`Another move is bringing the process to ${to.url}: run it again.`)
  }
  // The audit may have taken long.
  await longDead(deps, placement.unit)
  return arrive(await replace(deps, placement, to), to)
}

async function longDead({ placements, clock }: Pick<MoveDeps, 'placements' | 'clock'>, unit: string): Promise<void> {
  const since = await placements.deadSince(unit)
  if (since === undefined)
    throw refusal(`${unit} is not declared dead: without access to its log nothing is moved from it.`)
  const left = since + DEAD_FOR_MS - clock.now()
  if (left <= 0) return
  throw refusal(
    `${unit} was declared dead ${new Date(since).toISOString()}: it may go on scheduling until it has heard of it. Wait ${Math.ceil(left / 60_000)} more minutes.`,
  )
}

/** The head of a copy that may take the place of the lost log. */
async function completeCopy(to: UnitStores, { process, unit, version }: Placement): Promise<Head> {
  const head = await to.log.head(process)
  if (!head) throw refusal(`${to.url} has no copy of the process: restore it there first.`)
  if (head.state !== 'frozen') throw refusal(`The copy on ${to.url} is ${head.state}, and must be complete and frozen.`)
  // One that was left behind by a move, or was brought by a move that another one beat, is older than what is lost.
  if (head.awaits !== undefined && head.awaits !== version + 1) {
    throw refusal(`The copy on ${to.url} is from before the process came to ${unit}: restore it there first.`)
  }
  const audit = new ScheduleAudit(head, { history: 'any' })
  const starts: number[] = []
  for (let from: number = head.firstNonce; from < head.next; from += RECORDS_A_STRETCH) starts.push(from)
  const endOf = (from: number) => Math.min(head.next, from + RECORDS_A_STRETCH)
  const read = async (from: number, end = endOf(from)) => {
    const records = await to.log.records(process, from, end - 1)
    const audited = async (record: LogRecord) => {
      const raw = await bodyOf(to, record)
      const item = raw && readable(raw)
      return { record, item: item && factsOf(item) }
    }
    return pMap(records, audited, { concurrency: BODIES_AT_ONCE })
  }
  let next: number = head.firstNonce
  const take = (records: readonly AuditedRecord[]) => {
    for (const record of records) audit.next(record)
    next += records.length
  }
  for await (const stretch of pMapIterable(starts, (from) => read(from), { concurrency: AHEAD, backpressure: AHEAD })) {
    const end = endOf(next)
    take(stretch)
    // Where records are large, only the first ones are read ahead.
    while (next < end) take(await read(next, end))
  }
  audit.end(head)
  if (audit.faults.length > 0) throw unsound(to.url, audit.faults)
  return head
}
