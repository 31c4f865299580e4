/**
 * What another unit stored, read strictly: a data item that it signed, with an ANS-104 bundle as its data, in one of four shapes
 * (contract, "Stored bundles"). What is signed counts; what a row's columns say beside it is held against that.
 */
import { parseBundle } from '../ans104/bundle.ts'
import { type DataItem, parseDataItem } from '../ans104/data-item.ts'
import { tagValue } from '../ans104/tags.ts'
import { SchedulerError } from '../errors.ts'
import type { SourceMessage, SourceProcess } from '../ports/migration-source.ts'
import { type AssignedPlace, readMoment, readPlace } from '../protocol/assignment.ts'

/** A record as its bytes say it. */
export interface StoredRecord {
  kind: 'process' | 'message' | 'transaction'
  /** Of the process, the message or the assigned transaction. */
  id: string
  /** -1: a process that has no assignment. */
  nonce: number
  /** None where there is no assignment. */
  epoch: number | undefined
  /** ms */
  timestamp: number
  blockHeight: number
  assignment: DataItem | undefined
  /** None where a transaction was assigned. */
  item: DataItem | undefined
  /** What the unit stored all of it in. */
  outer: DataItem
}

/** Fails with `invalid-item`, saying what is wrong with the bytes. */
export function readMessage({ bundle, message }: SourceMessage): StoredRecord {
  const { outer, assignment, item } = open(bundle)
  if (assignment === undefined && item !== undefined) {
    // The oldest shape: the outer item is the assignment.
    return { kind: 'message', id: item.id, ...placed(outer), assignment: outer, item, outer }
  }
  if (assignment === undefined) throw none('holds neither an assignment nor a message')
  if (item) return { kind: 'message', id: item.id, ...placed(assignment), assignment, item, outer }
  const id = tagValue(assignment.tags, 'Message') ?? message
  return { kind: 'transaction', id, ...placed(assignment), assignment, item, outer }
}

/** Fails likewise. */
export function readProcess({ bundle }: SourceProcess): StoredRecord {
  const { outer, assignment, item } = open(bundle)
  if (item === undefined) throw none('holds no process')
  if (assignment) return { kind: 'process', id: item.id, ...placed(assignment), assignment, item, outer }
  return {
    kind: 'process',
    id: item.id,
    nonce: -1,
    epoch: undefined,
    ...readMoment(outer.tags),
    assignment: undefined,
    item,
    outer,
  }
}

/** Names of the columns that say something else than what was signed. */
export function wrongColumns(row: SourceMessage | SourceProcess, stored: StoredRecord): string[] {
  const { kind, id, nonce, epoch, timestamp, assignment, item } = stored
  const place = assignment && tryPlace(assignment)
  const said: Record<string, [unknown, unknown]> = {
    nonce: [row.nonce, nonce],
    epoch: [row.epoch, epoch],
    timestamp: [row.timestamp, timestamp],
    hash_chain: [row.hashChain, place?.hashChain.toString('base64url')],
    ...('message' in row
      ? {
          process_id: [row.process, (assignment && tagValue(assignment.tags, 'Process')) ?? targetOf(item)],
          message_id: [row.message, id],
          // The oldest shape has none in its row.
          assignment_id: [row.assignment ?? assignment?.id, assignment?.id],
        }
      : { process_id: [row.process, id] }),
  }
  // A process's columns may be empty, and are where it has no assignment.
  const counts = ([column]: [unknown, unknown]) => kind !== 'process' || column !== undefined
  return Object.entries(said).flatMap(([name, pair]) => (counts(pair) && pair[0] !== pair[1] ? [name] : []))
}

const targetOf = (item: DataItem | undefined) => item?.target.toString('base64url')

const placed = (assignment: DataItem): Omit<AssignedPlace, 'hashChain'> => {
  const { hashChain: _, ...place } = readPlace(assignment.tags)
  return place
}

function tryPlace({ tags }: DataItem): AssignedPlace | undefined {
  try {
    return readPlace(tags)
  } catch {
    return undefined
  }
}

function open(bytes: Buffer): { outer: DataItem; assignment: DataItem | undefined; item: DataItem | undefined } {
  const outer = parseDataItem(bytes)
  const inner = parseBundle(outer.data)
  const assignments = inner.filter((one) => isAssignment(one, outer))
  const items = inner.filter((one) => !isAssignment(one, outer))
  if (inner.length === 0 || assignments.length > 1 || items.length > 1) {
    throw none(`holds ${assignments.length} assignments and ${items.length} other items`)
  }
  return { outer, assignment: assignments[0], item: items[0] }
}

/**
 * The unit's own item that says that it is one. Of an item that was scheduled the first of these tags says something else (contract,
 * "What is refused"), whatever it says further on.
 */
const isAssignment = ({ owner, tags }: DataItem, outer: DataItem): boolean =>
  owner.equals(outer.owner) && tags.find(({ name }) => name === 'Type' || name === 'type')?.value === 'Assignment'

const none = (what: string) => new SchedulerError('invalid-item', `The stored bundle ${what}.`)
