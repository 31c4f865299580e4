/**
 * Packs blocks of the log into segments. Objects first, the index last: whoever is killed on the way leaves objects that nobody
 * names, and the next one writes the same again. Any number may build at once.
 */
import type { Fault } from '../audit/fault.ts'
import { factsOf, readable } from '../audit/item-facts.ts'
import { ScheduleAudit } from '../audit/schedule-audit.ts'
import { SchedulerError } from '../errors.ts'
import type { Head, LogRecord } from '../log/record.ts'
import {
  BLOCK_RECORDS,
  type BlockIndex,
  objectNames,
  type SegmentIndexes,
  type SegmentObjects,
} from '../ports/segment-store.ts'
import { createBatchReader, type ReadingDeps, type WholeRecord, wholeRecords } from '../relay/batch.ts'
import { decodeIndex, encodeIndex } from './index-row.ts'
import { BlockPacker, type PackedSegment } from './pack.ts'

export interface SegmentStores {
  objects: SegmentObjects
  indexes: SegmentIndexes
}

export type BuildDeps = ReadingDeps & SegmentStores

export type BuildOutcome =
  | { kind: 'built' }
  /** It was packed before. */
  | { kind: 'there' }
  /** The log itself is not sound here: it is served as it is, and not packed. */
  | { kind: 'unsound'; faults: readonly Fault[] }

export interface BuildOptions {
  /** Packs it also where it is packed already: something is missing or altered. */
  again?: boolean
}

/** @param of a head's process, and where that begins; it must cover the whole block. Fails with `unavailable`. */
export async function buildBlock(
  deps: BuildDeps,
  { process, firstNonce }: Pick<Head, 'process' | 'firstNonce'>,
  block: number,
  { again = false }: BuildOptions = {},
): Promise<BuildOutcome> {
  const { objects, indexes } = deps
  if (!again) {
    const [found] = await indexes.get(process, [block])
    const index = found && decodeIndex(process, block, found)
    if (typeof index === 'object' || index === 'newer') return { kind: 'there' }
  }
  const packed = await packBlock(deps, { process, firstNonce }, block, async ({ segment, nodes, bundle }) => {
    const [nodesName, bundleName] = objectNames(process, segment)
    await Promise.all([objects.put(nodesName, nodes), objects.put(bundleName, bundle)])
  })
  if ('faults' in packed) return { kind: 'unsound', faults: packed.faults }
  await indexes.put(process, block, encodeIndex(process, packed.index))
  return { kind: 'built' }
}

/**
 * Packs a block's records as they are in the log, and gives each segment to `keep` before the next one is begun. Each record is
 * audited before it is packed. Fails with `unavailable`.
 */
export async function packBlock(
  deps: ReadingDeps,
  { process, firstNonce }: Pick<Head, 'process' | 'firstNonce'>,
  block: number,
  keep: (segment: PackedSegment) => Promise<void>,
): Promise<{ index: BlockIndex } | { faults: readonly Fault[] }> {
  const from = block * BLOCK_RECORDS
  const [after] = from === 0 ? [] : await previousOf(deps, process, from)
  // What another unit made may have been brought in.
  const audit = new ScheduleAudit({ process, firstNonce }, { history: 'any', from, after })
  const packer = new BlockPacker(block)
  for await (const record of recordsOf(deps, process, from, from + BLOCK_RECORDS)) {
    const item = record.rawItem && readable(record.rawItem)
    audit.next({ record, item: item && factsOf(item) })
    if (audit.faults.length > 0) return { faults: audit.faults }
    const finished = packer.add(record)
    if (finished) await keep(finished)
  }
  const { last, index } = packer.end()
  await keep(last)
  return { index }
}

async function previousOf({ records }: ReadingDeps, process: string, nonce: number): Promise<LogRecord[]> {
  const found = await records.records(process, nonce - 1, nonce - 1)
  if (found[0]?.nonce === nonce - 1) return found
  throw new SchedulerError('unavailable', 'A record of the log is missing or out of place.')
}

async function* recordsOf(deps: ReadingDeps, process: string, from: number, end: number): AsyncGenerator<WholeRecord> {
  const read = createBatchReader(deps, process)
  for (let next = from; next < end; ) {
    const batch = await read(next, end)
    yield* wholeRecords(batch)
    next = batch.next
  }
}
