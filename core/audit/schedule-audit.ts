/**
 * Whether the records of a process are one sound schedule: nonces without a gap, each assignment chained to the one before, ids,
 * times and heights those that were signed. Looks at one record after the other and asks nobody; whether the signatures are
 * right is `signatures.ts`'s question. Whatever shape an assignment has (contract, "Stored bundles"), these are among its tags.
 */
import type { DataItem } from '../ans104/data-item.ts'
import { type Tag, tagValue } from '../ans104/tags.ts'
import type { Head, LogRecord } from '../log/record.ts'
import { nextHashChain } from '../protocol/assignment.ts'
import type { Fault, FaultKind } from './fault.ts'
import { type ItemFacts, readable } from './item-facts.ts'

/**
 * What is held against a history. `own`: what this unit makes. `any`: also what another unit made, before the process came here:
 * times may repeat and fall, heights fall, tags be those of the oldest shape.
 */
export type History = 'own' | 'any'

/** A record, and its item as its bytes say it, wherever those are kept; undefined where it has none that can be read. */
export interface AuditedRecord {
  record: LogRecord
  item: ItemFacts | undefined
}

export interface ScheduleAuditOptions {
  history: History
  /** Where it begins, unless that is the process's first record. */
  from?: number
  /** The record before that, if there is one that can be read. */
  after?: LogRecord | undefined
}

/** What the next assignment goes on from: nothing yet, an assignment, or one that cannot be read. */
type Link = 'none' | 'unknown' | { id: Buffer; chain: Buffer }

export class ScheduleAudit {
  /** All that was found so far. Whoever audits many records empties it now and then. */
  readonly faults: Fault[] = []
  private readonly process: string
  private readonly first: number
  private readonly history: History
  private nonce: number
  private link: Link = 'none'
  private epoch: string | undefined
  private last: Pick<LogRecord, 'timestamp' | 'timeKey' | 'blockHeight' | 'nonce'> | undefined
  private depth: number | undefined

  constructor({ process, firstNonce }: Pick<Head, 'process' | 'firstNonce'>, options: ScheduleAuditOptions) {
    const { history, from = firstNonce, after } = options
    this.process = process
    this.first = firstNonce
    this.history = history
    this.nonce = from
    if (from <= Math.max(0, firstNonce)) return
    this.last = after
    const parsed = after?.assignment && readable(after.assignment)
    this.link = (parsed && linkOf(parsed)) ?? 'unknown'
  }

  /** Looks at the next record. Gives the id of its assignment, if it has one that can be read. */
  next({ record, item }: AuditedRecord): string | undefined {
    const { nonce, process } = this
    this.nonce++
    if (record.process !== process || record.nonce !== nonce) this.fault(nonce, 'missing', 'is not there')
    this.checkKind(record, nonce)
    this.checkItem(record, item)
    this.checkTimes(record)
    if (item && nonce === this.first) this.depth = item.settlementDepth
    const id = nonce < 0 ? this.checkUnassigned(record) : this.checkAssignment(record)
    this.last = record
    return id
  }

  /** The next nonce has no record that could be looked at. What follows it is not held against it. */
  skip(kind: 'missing' | 'unreadable' | 'bundle', what: string): void {
    this.fault(this.nonce, kind, what)
    this.nonce++
    this.link = 'unknown'
  }

  /** Whether a head is the end of what was looked at. */
  end(head: Head): void {
    const { link, last } = this
    const nonce = this.nonce - 1
    const wrong = (what: string) => this.fault(nonce, 'head', what)
    if (head.next !== this.nonce) wrong('is not the last one that the head has')
    if (link !== 'unknown') {
      const same = (own: Buffer | undefined, of: Buffer | undefined) => (own && of ? own.equals(of) : own === of)
      const { id, chain } = link === 'none' ? {} : link
      if (!same(head.lastAssignment, id)) wrong('is not the assignment that the head goes on from')
      if (!same(head.hashChain, chain)) wrong('has not the hash chain that the head goes on from')
    }
    if (last?.nonce === nonce) {
      const { timestamp, blockHeight } = head
      // What another unit made may fall, and the head never does.
      const follows = (of: number, than: number) => (this.history === 'own' ? of === than : of >= than)
      if (!follows(timestamp, last.timeKey)) wrong('is of another time than the head')
      if (!follows(blockHeight, last.blockHeight)) wrong('is of another block height than the head')
    }
    if (this.history === 'own' && this.epoch !== undefined && this.epoch !== String(head.epoch)) {
      wrong('was signed in another epoch than the head is in')
    }
    if (head.state !== 'open' && head.state !== 'frozen') wrong(`is the last of a head whose state is ${head.state}`)
    if (this.history === 'own' && this.depth !== undefined && this.depth !== head.settlementDepth) {
      this.fault(this.first, 'head', 'says another Settlement-Depth than the head')
    }
  }

  private checkKind({ kind }: LogRecord, nonce: number): void {
    const fits = nonce === this.first ? kind === 'process' : kind === 'message' || kind === 'transaction'
    if (!fits) this.fault(nonce, 'record', `is a ${kind}, out of place`)
  }

  private checkItem({ nonce, kind, id, item }: LogRecord, facts: ItemFacts | undefined): void {
    if (kind === 'process' && id !== this.process) this.fault(nonce, 'record', 'is another process')
    if (kind === 'transaction') {
      if (item) this.fault(nonce, 'record', 'holds an item, and was assigned')
      return
    }
    if (!item) this.fault(nonce, 'item', 'has no item')
    else if (item.id !== id || facts?.id !== id) this.fault(nonce, 'item', 'holds another item than it names')
    else if (kind === 'message' && facts.target !== this.process) {
      this.fault(nonce, 'item', 'holds a message to another process')
    }
  }

  private checkTimes({ nonce, timestamp, timeKey, blockHeight }: LogRecord): void {
    const { last, history, first } = this
    // A process without an assignment is in no page: what comes after it may count as earlier.
    const before = last && last.nonce >= 0 ? last.timeKey : 0
    if (timeKey < Math.max(timestamp, before)) this.fault(nonce, 'time', 'falls in time')
    // What clients page by: greater than it need be, it would hide what follows.
    else if (timeKey > timestamp && timeKey !== last?.timeKey && (nonce === first || last?.nonce === nonce - 1)) {
      this.fault(nonce, 'time', 'counts as later than it is')
    }
    if (history === 'any' || !last) return
    // A process without an assignment was accepted at that time, its first message may be of the same one.
    const earliest = last.nonce < 0 ? last.timestamp : last.timestamp + 1
    if (timestamp < earliest) this.fault(nonce, 'time', 'does not rise in time')
    if (blockHeight < last.blockHeight) this.fault(nonce, 'height', 'falls in block height')
  }

  private checkUnassigned({ nonce, assignment }: LogRecord): undefined {
    if (assignment) this.fault(nonce, 'assignment', 'has an assignment, and should have none')
  }

  private checkAssignment(record: LogRecord): string | undefined {
    const { nonce, assignment } = record
    const { process, link, history } = this
    const parsed = assignment && readable(assignment)
    if (!parsed) {
      this.fault(nonce, 'assignment', assignment ? 'has an assignment that cannot be read' : 'has no assignment')
      this.link = 'unknown'
      return undefined
    }
    const { id, tags } = parsed
    for (const name of wrongTags({ ...record, process }, tags, history)) {
      this.fault(nonce, 'assignment', `was signed with another ${name}`)
    }
    this.epoch = tagValue(tags, 'Epoch')
    const chain = link === 'unknown' ? undefined : chainAfter(process, link)
    const own = linkOf(parsed)
    if (chain && !own?.chain.equals(chain)) this.fault(nonce, 'hash-chain', 'breaks the hash chain')
    // What follows was chained to what was signed, right or wrong.
    if (own) this.link = own
    else this.link = chain ? { id: Buffer.from(id, 'base64url'), chain } : 'unknown'
    return id
  }

  private fault(nonce: number, kind: FaultKind, what: string): void {
    this.faults.push({ nonce, kind, what })
  }
}

const chainAfter = (process: string, link: Exclude<Link, 'unknown'>): Buffer =>
  nextHashChain(link === 'none' ? { process } : { process, hashChain: link.chain, lastAssignment: link.id })

/** Undefined where it has no chain value that could be one. */
function linkOf({ id, tags }: DataItem): { id: Buffer; chain: Buffer } | undefined {
  const chain = Buffer.from(tagValue(tags, 'Hash-Chain') ?? '', 'base64url')
  return chain.length === 32 ? { id: Buffer.from(id, 'base64url'), chain } : undefined
}

/** Names of the tags that do not say what the record says. */
function wrongTags(
  { process, nonce, kind, id, timestamp, blockHeight }: LogRecord,
  tags: readonly Tag[],
  history: History,
): string[] {
  const numbers = { Nonce: nonce, Timestamp: timestamp, 'Block-Height': blockHeight }
  const wrong = Object.entries(numbers).filter(([name, value]) => Number(tagValue(tags, name) ?? Number.NaN) !== value)
  const names = { Process: process, Message: kind === 'process' ? undefined : id }
  const other = Object.entries(names).filter(([name, value]) => {
    const signed = tagValue(tags, name)
    // The oldest assignments name neither.
    return signed !== value && !(signed === undefined && history === 'any')
  })
  return [...wrong, ...other].map(([name]) => name)
}
