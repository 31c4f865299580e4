/**
 * Verifies the whole log of a process: everything that can be told to be wrong of it, by process and nonce. It is read as it is;
 * nothing is changed. Memory stays flat however long the process is.
 */
import pMap, { pMapIterable } from 'p-map'
import { SchedulerError } from '../errors.ts'
import type { Head, LogRecord } from '../log/record.ts'
import type { Gateway } from '../ports/gateway.ts'
import { type BodyInspection, type Damage, isDamage, type LogInspection } from '../ports/log-inspection.ts'
import type { LogStore } from '../ports/log-store.ts'
import { type RelayStore, sinks } from '../ports/relay-store.ts'
import { auditedItem } from './bodies.ts'
import type { Fault } from './fault.ts'
import { factsOf, readable } from './item-facts.ts'
import { type LookupDeps, lookupFaults } from './lookup.ts'
import { type AuditedRecord, type History, ScheduleAudit } from './schedule-audit.ts'
import { signatureFaults } from './signatures.ts'
import { uploadFaults } from './uploads.ts'

export interface VerifyDeps extends LookupDeps {
  log: Pick<LogStore, 'head' | 'find' | 'findItem'>
  inspection: LogInspection
  bodies: BodyInspection
  relay: Pick<RelayStore, 'progress'>
  /** Public key of the log's wallet, 512 bytes. */
  owner: Buffer
  /** Where uploads are looked for; none: they are not looked for. */
  gateway?: Pick<Gateway, 'exists'> | undefined
}

export interface VerifyOptions {
  history: History
  /** Where it begins; the process's first record unless said otherwise. */
  from?: number | undefined
}

/** A stretch of the process that was verified. */
export interface Verified {
  /** The first nonce that is not verified yet. */
  next: number
  /** How far it will go: the head's next nonce, as it was when this began. */
  end: number
  records: number
  /** Of these records those that the relay has not come to yet: their uploads were not looked for. */
  pending: number
  faults: Fault[]
}

const RECORDS_A_STRETCH = 64
/** Stretches under way, and records of each: what is held in memory, bodies of up to 5 MB among it. */
const STRETCHES_AT_ONCE = 2
const RECORDS_AT_ONCE = 16

/** What was found out of a record by itself; what it has to do with others is found out in their order. */
type Looked = { audited: AuditedRecord; faults: Fault[]; pending: boolean } | Damage

/**
 * Stretch by stretch as the caller asks for the next, and at the end once more for the head. Fails with `not-found`; with `incomplete`
 * for a process that is still being brought here; and with `unavailable`: what was given until then is verified, and it may be taken up
 * there again.
 */
export async function* verify(deps: VerifyDeps, process: string, options: VerifyOptions): AsyncGenerator<Verified> {
  const { history } = options
  const head = await deps.log.head(process)
  if (!head) throw new SchedulerError('not-found', `Process ${process} is not known here.`)
  if (head.state === 'incomplete') {
    throw new SchedulerError('incomplete', `Process ${process} is still being brought here: it cannot be verified yet.`)
  }
  const end = head.next
  const from = Math.max(head.firstNonce, options.from ?? head.firstNonce)
  if (from > end)
    throw new SchedulerError('invalid-request', `Process ${process} has ${end} nonces, and none from ${from} on.`)
  const progress = await deps.relay.progress(process)
  const uploaded = progress?.done.upload ?? head.firstNonce

  const audit = new ScheduleAudit(head, { history, from, after: await before(deps, head, from) })
  const look = (stretch: readonly number[]) => lookAt(deps, process, stretch, { history, uploaded })
  const stretches = pMapIterable(stretchesOf(from, end), look, {
    concurrency: STRETCHES_AT_ONCE,
    backpressure: STRETCHES_AT_ONCE,
  })
  let next = from
  const verified = (looked: readonly Looked[]): Verified => {
    const faults: Fault[] = []
    let pending = 0
    for (const one of looked) {
      if (isDamage(one)) skip(audit, one)
      else {
        audit.next(one.audited)
        faults.push(...one.faults)
        if (one.pending) pending++
      }
    }
    next += looked.length
    faults.push(...audit.faults.splice(0))
    return { next, end, records: looked.length, pending, faults: faults.sort((a, b) => a.nonce - b.nonce) }
  }
  for await (const looked of stretches) {
    const stretchEnd = Math.min(end, next + RECORDS_A_STRETCH)
    yield verified(looked)
    // Where records are large, only the first ones are read ahead.
    while (next < stretchEnd) yield verified(await look(range(next, stretchEnd)))
  }
  audit.end(head)
  const faults = [...audit.faults, ...(await faultsOfHead(deps, head))]
  yield { next, end, records: 0, pending: 0, faults }
}

function* stretchesOf(from: number, end: number): Generator<number[]> {
  for (let start = from; start < end; start += RECORDS_A_STRETCH) {
    yield range(start, Math.min(end, start + RECORDS_A_STRETCH))
  }
}

const range = (from: number, end: number): number[] => Array.from({ length: end - from }, (_, index) => from + index)

/** What the first assignment goes on from, where that is not the process's first. */
async function before(
  { inspection }: VerifyDeps,
  { process, firstNonce }: Head,
  from: number,
): Promise<LogRecord | undefined> {
  if (from <= firstNonce) return undefined
  const [record] = await inspection.records(process, [from - 1])
  return record && !isDamage(record) ? record : undefined
}

async function lookAt(
  deps: VerifyDeps,
  process: string,
  nonces: readonly number[],
  context: { history: History; uploaded: number },
): Promise<Looked[]> {
  const found = await deps.inspection.records(process, nonces)
  return pMap(found, (record) => (isDamage(record) ? record : lookAtRecord(deps, record, context)), {
    concurrency: RECORDS_AT_ONCE,
  })
}

async function lookAtRecord(
  deps: VerifyDeps,
  record: LogRecord,
  { history, uploaded }: { history: History; uploaded: number },
): Promise<Looked> {
  const { owner, gateway } = deps
  const { item, faults: bodyFaults } = await auditedItem(deps.bodies, record)
  const assignmentId = record.assignment && readable(record.assignment)?.id
  const pending = gateway !== undefined && record.nonce >= uploaded
  const [signatures, lookups, uploads] = await Promise.all([
    signatureFaults(record, item, { history, owner }),
    lookupFaults(deps, record, { item, assignmentId }),
    gateway && !pending ? uploadFaults(gateway, record, assignmentId) : [],
  ])
  return {
    audited: { record, item: item && factsOf(item) },
    faults: [...bodyFaults, ...signatures, ...lookups, ...uploads],
    pending,
  }
}

function skip(audit: ScheduleAudit, { damage }: Damage): void {
  audit.skip(damage, damage === 'missing' ? 'has no record' : 'has a record that cannot be read')
}

/** What stands beyond the head, and what is said to be done beyond it. */
async function faultsOfHead({ log, inspection, relay }: VerifyDeps, head: Head): Promise<Fault[]> {
  const { process } = head
  const faults: Fault[] = []
  const [beyond] = await inspection.records(process, [head.next])
  if (beyond && !(isDamage(beyond) && beyond.damage === 'missing')) {
    // One that was committed since moved the head with it.
    const now = await log.head(process)
    if (now?.next === head.next) {
      faults.push({ nonce: head.next, kind: 'beyond', what: 'has a record, and the head ends before it' })
    }
  }
  const progress = await relay.progress(process)
  for (const sink of sinks) {
    const done = progress?.done[sink]
    if (progress && done !== undefined && done > progress.next) {
      const what = `is not there, and ${sink === 'upload' ? 'uploads count' : `${sink} count`} as done up to nonce ${done - 1}`
      faults.push({ nonce: progress.next, kind: 'watermark', what })
    }
  }
  return faults
}
