/** What the log says of an item that was just scheduled. */
import { parseDataItem } from '../ans104/data-item.ts'
import { tagValue } from '../ans104/tags.ts'
import type { Scheduled } from '../schedule/post.ts'
import type { ReadDeps } from './deps.ts'
import { readRecord } from './read-records.ts'
import { readableHead } from './readable-head.ts'

export interface ScheduledRecord {
  process: string
  /** The item's id. */
  id: string
  /** The three are undefined for a process without an assignment. */
  nonce?: number
  /** The assignment's id. */
  assignment?: string
  /** base64url, 43 characters. */
  hashChain?: string
  /** The assignment's, ms; without one, when the process was accepted. */
  timestamp: number
  blockHeight: number
  epoch: number
}

/** Reads the record, so that a retry gets the answer that was lost. Fails with `unavailable`. */
export async function describeScheduled(
  { log }: Pick<ReadDeps, 'log'>,
  { id, process, nonce }: Pick<Scheduled, 'id' | 'process' | 'nonce'>,
): Promise<ScheduledRecord> {
  const record = await readRecord(log, process, nonce ?? (await readableHead(log, process)).firstNonce)
  const { timestamp, blockHeight } = record
  if (record.assignment === undefined) return { process, id, timestamp, blockHeight, epoch: 0 }
  const { id: assignment, tags } = parseDataItem(record.assignment)
  const hashChain = tagValue(tags, 'Hash-Chain')
  return {
    process,
    id,
    nonce: record.nonce,
    assignment,
    ...(hashChain !== undefined && { hashChain }),
    timestamp,
    blockHeight,
    epoch: Number(tagValue(tags, 'Epoch') ?? 0),
  }
}
