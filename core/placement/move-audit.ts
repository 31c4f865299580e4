/**
 * Whether the records of a process are one sound log: nonces without a gap, each assignment chained to the one before, ids
 * and times those that were signed. Whatever shape an assignment has (contract, "Stored bundles"), these are among its tags.
 */
import { parseDataItem } from '../ans104/data-item.ts'
import { type Tag, tagValue } from '../ans104/tags.ts'
import type { Head, LogRecord } from '../log/record.ts'
import { nextHashChain } from '../protocol/assignment.ts'

export interface Fault {
  nonce: number
  /** What is wrong, a sentence that goes on after the nonce. */
  what: string
}

/** A record, and the id that its item's bytes have, wherever those are kept; undefined where it has none that can be read. */
export interface AuditedRecord {
  record: LogRecord
  itemId: string | undefined
}

export class LogAudit {
  readonly faults: Fault[] = []
  private readonly process: string
  private nonce: number
  private readonly first: number
  private last: { id: Buffer; chain: Buffer; timeKey: number } | undefined

  constructor({ process, firstNonce }: Pick<Head, 'process' | 'firstNonce'>) {
    this.process = process
    this.nonce = firstNonce
    this.first = firstNonce
  }

  /** Looks at the next record. Gives the id of its assignment, if it has one that can be read. */
  next({ record, itemId }: AuditedRecord): string | undefined {
    const { nonce, process } = this
    this.nonce++
    if (record.process !== process || record.nonce !== nonce) this.fault(nonce, 'is not there')
    if ((record.kind === 'process') !== (nonce === this.first)) this.fault(nonce, `is a ${record.kind}, out of place`)
    this.checkItem(record, itemId)
    if (nonce < 0) {
      if (record.assignment) this.fault(nonce, 'has an assignment, and should have none')
      return undefined
    }
    return this.checkAssignment(record)
  }

  /** Whether a head is the end of what was looked at. */
  end(head: Head): void {
    const { last } = this
    const nonce = this.nonce - 1
    if (head.next !== this.nonce) this.fault(nonce, 'is not the last one that the head has')
    const chained = (own: Buffer | undefined, of: Buffer | undefined) => (own && of ? own.equals(of) : own === of)
    if (!chained(head.lastAssignment, last?.id)) this.fault(nonce, 'is not the assignment that the head goes on from')
    if (!chained(head.hashChain, last?.chain)) this.fault(nonce, 'has not the hash chain that the head goes on from')
    if (last && head.timestamp < last.timeKey) this.fault(nonce, 'is later than the head')
  }

  private checkItem({ nonce, kind, id, item }: LogRecord, itemId: string | undefined): void {
    if (kind === 'process' && id !== this.process) this.fault(nonce, 'is another process')
    if (kind === 'transaction') {
      if (item) this.fault(nonce, 'holds an item, and was assigned')
    } else if (!item) this.fault(nonce, 'has no item')
    else if (item.id !== id || itemId !== id) this.fault(nonce, 'holds another item than it names')
  }

  private checkAssignment(record: LogRecord): string | undefined {
    const { nonce, assignment } = record
    const parsed = assignment && readable(assignment)
    if (!parsed) {
      this.fault(nonce, assignment ? 'has an assignment that cannot be read' : 'has no assignment')
      return undefined
    }
    const { id, tags } = parsed
    for (const what of wrongTags(record, tags)) this.fault(nonce, what)
    const { process, last } = this
    const chain = nextHashChain({ process, ...(last && { hashChain: last.chain, lastAssignment: last.id }) })
    const stated = Buffer.from(tagValue(tags, 'Hash-Chain') ?? '', 'base64url')
    if (!stated.equals(chain)) this.fault(nonce, 'breaks the hash chain')
    if (record.timeKey < Math.max(record.timestamp, last?.timeKey ?? 0)) this.fault(nonce, 'falls in time')
    this.last = {
      id: Buffer.from(id, 'base64url'),
      // What follows was chained to what was signed, right or wrong.
      chain: stated.length === 32 ? stated : chain,
      timeKey: record.timeKey,
    }
    return id
  }

  private fault(nonce: number, what: string): void {
    this.faults.push({ nonce, what })
  }
}

function wrongTags({ process, nonce, kind, id, timestamp, blockHeight }: LogRecord, tags: readonly Tag[]): string[] {
  const numbers = { Nonce: nonce, Timestamp: timestamp, 'Block-Height': blockHeight }
  const wrong = Object.entries(numbers).filter(([name, value]) => Number(tagValue(tags, name) ?? Number.NaN) !== value)
  // The oldest assignments name neither.
  const names = { Process: process, Message: kind === 'process' ? undefined : id }
  const other = Object.entries(names).filter(([name, value]) => ![value, undefined].includes(tagValue(tags, name)))
  return [...wrong, ...other].map(([name]) => `was signed with another ${name}`)
}

/** Undefined where the bytes are no data item. */
export function readable(raw: Buffer) {
  try {
    return parseDataItem(raw)
  } catch {
    return undefined
  }
}
