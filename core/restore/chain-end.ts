/** The end of a process's log while it is restored: what the next assignment must be chained to. */
import { idBytes } from '../ans104/base64url.ts'
import { tagValue } from '../ans104/tags.ts'
import { readable } from '../audit/item-facts.ts'
import type { Head, LogRecord } from '../log/record.ts'
import { type ChainEnd, nextHashChain } from '../protocol/assignment.ts'

export interface RestoredEnd extends ChainEnd {
  /** The nonce that comes next. */
  next: number
  /** Of the last record; none where there is none yet. */
  timeKey: number | undefined
  blockHeight: number
  /** Of the last assignment. */
  epoch: number
}

/** Before the first record. */
export const beforeAll = (process: string, firstNonce: number): RestoredEnd => ({
  process,
  next: firstNonce,
  timeKey: undefined,
  blockHeight: 0,
  epoch: 0,
})

/** What stands after a record, which may be a migrated one of any shape. */
export function after(end: RestoredEnd, { nonce, assignment, timeKey, blockHeight }: LogRecord): RestoredEnd {
  const parsed = assignment && readable(assignment)
  const place = { process: end.process, next: nonce + 1, timeKey, blockHeight, epoch: end.epoch }
  if (!parsed) {
    const { hashChain, lastAssignment } = end
    return { ...place, ...(hashChain && { hashChain }), ...(lastAssignment && { lastAssignment }) }
  }
  // What follows was chained to what was signed, right or wrong.
  const stated = statedChain(parsed.tags)
  const epoch = Number(tagValue(parsed.tags, 'Epoch') ?? end.epoch)
  return { ...place, epoch, hashChain: stated ?? nextHashChain(end), lastAssignment: idBytes(parsed.id) }
}

/** The hash chain that an assignment states. */
export function statedChain(tags: Parameters<typeof tagValue>[0]): Buffer | undefined {
  const stated = Buffer.from(tagValue(tags, 'Hash-Chain') ?? '', 'base64url')
  return stated.length === 32 ? stated : undefined
}

/** Whether a record's assignment is chained to this end. */
export function follows(end: RestoredEnd, { assignment }: LogRecord): boolean {
  const parsed = assignment && readable(assignment)
  return parsed !== undefined && (statedChain(parsed.tags)?.equals(nextHashChain(end)) ?? false)
}

/** The head that ends there; everything else of it stays. */
export function headAt(head: Head, { next, hashChain, lastAssignment, timeKey, blockHeight }: RestoredEnd): Head {
  const { hashChain: _, lastAssignment: __, ...rest } = head
  return {
    ...rest,
    next,
    timestamp: timeKey ?? head.timestamp,
    blockHeight,
    ...(hashChain && { hashChain }),
    ...(lastAssignment && { lastAssignment }),
  }
}
