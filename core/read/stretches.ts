/**
 * Where the records of a page come from: blocks that are packed from their segments, all others from the log. What is known
 * beforehand, so that a page can be planned, is how many bytes each will take and its time key.
 */
import { hasCode } from '../errors.ts'
import type { Head, LogRecord } from '../log/record.ts'
import { BLOCK_RECORDS, type BlockIndex, blockOf, type Expectation, type ObjectName } from '../ports/segment-store.ts'
import type { ReadDeps } from './deps.ts'
import { type LogNode, logNodeOf } from './log-node.ts'
import type { NonceRange } from './page-range.ts'
import type { PageQuery } from './query.ts'
import { readRecords } from './read-records.ts'

/** Consecutive nonces `first`..`last` that come from one place. */
export type Stretch = SegmentStretch | LogStretch

export interface SegmentStretch extends NonceRange {
  from: 'segments'
  /** Those of all its blocks, in order. */
  indexes: readonly BlockIndex[]
}

/** Read, and held. */
export interface LogStretch extends NonceRange {
  from: 'log'
  nodes: readonly LogNode[]
}

/** What a page reckons with. */
export interface Measure {
  /** ms */
  timeKey: number
  /** Bytes of the node. */
  bytes: number
}

/** One for each nonce of the stretch. */
export function measuresOf(stretch: Stretch, { showAnchor }: Pick<PageQuery, 'showAnchor'>): Measure[] {
  if (stretch.from === 'log') return stretch.nodes.map(({ record, bytes }) => ({ timeKey: record.timeKey, bytes }))
  return stretch.indexes
    .flatMap(({ records }) => records)
    .filter(({ nonce }) => nonce >= stretch.first && nonce <= stretch.last)
    .map(({ timeKey, bytes, bytesWithAnchor }) => ({ timeKey, bytes: showAnchor ? bytesWithAnchor : bytes }))
}

/** The part of a stretch up to `last`, which is in it. */
export function cutOff(stretch: Stretch, last: number): Stretch {
  if (stretch.from === 'log') return { ...stretch, last, nodes: stretch.nodes.slice(0, last - stretch.first + 1) }
  return { ...stretch, last, indexes: stretch.indexes.filter(({ block }) => block <= blockOf(last)) }
}

/** Indexes asked for in one call: those of a page of a thousand records, and one more. */
export const INDEXES = 6
/** Records in one call: what DynamoDB gives in one (100 keys). */
const CHUNK = 100
/** Records of the log read at once while nothing is known of their size. */
const FIRST_WAVE = 200
const WAVE = 1000

/** How far a reader will go: it says so, and may stop before. */
export interface Reach {
  /** About how many more records are wanted; asked whenever records of the log are about to be read. */
  wanted(): number
  /** What it will read of segments as soon as it knows them: then that is read while the log is. */
  reads?: ObjectName['form'] | undefined
}

/** As few records of the log at once as make sense. */
export const stepByStep: Reach = { wanted: () => CHUNK }

/** A page that begins a few blocks before the tail will reach into it: then both are read at the same time. */
const NEAR_TAIL = 1000

type LogDeps = Pick<ReadDeps, 'log' | 'nodes'>
type NodeQuery = Pick<PageQuery, 'showAnchor'>

/**
 * The range in stretches, in order. `head` covers it. Fails with `unavailable` where the log cannot be read; segments that
 * cannot be asked are done without.
 */
export async function* stretchesOf(
  deps: LogDeps & Pick<ReadDeps, 'segments'>,
  head: Head,
  query: NodeQuery,
  range: NonceRange,
  reach: Reach,
): AsyncGenerator<Stretch> {
  const { process } = head
  const tail = Math.max(range.first, blockOf(head.next) * BLOCK_RECORDS)
  const near = tail > range.first && tail - range.first < NEAR_TAIL && tail <= range.last && reach !== stepByStep
  const begun = near ? beginReading(deps, process, query, { first: tail, last: range.last }) : undefined
  for (let next = range.first; next < tail && next <= range.last; ) {
    const blocks = wholeBlocks({ first: next, last: Math.min(range.last, tail - 1) })
    const indexes = await indexesOf(deps, process, blocks)
    for (const { packed, first, last } of grouped(blocks, indexes)) {
      const part = { first: Math.max(first, next), last: Math.min(last, range.last) }
      if (packed) {
        if (begun && reach.reads) deps.segments.expect(process, packed, part.first, part.last, { form: reach.reads })
        yield { from: 'segments', ...part, indexes: packed }
      } else yield* logStretches(deps, process, query, part, reach)
    }
    next = (blocks.at(-1) ?? 0) * BLOCK_RECORDS + BLOCK_RECORDS
  }
  if (tail <= range.last) yield* logStretches(deps, process, query, { first: tail, last: range.last }, reach, begun)
}

/** The blocks of the range, as many of them as are asked for at once. */
export function wholeBlocks({ first, last }: NonceRange): number[] {
  const count = Math.min(INDEXES, blockOf(last) - blockOf(first) + 1)
  return Array.from({ length: count }, (_, i) => blockOf(first) + i)
}

/** Indexes of blocks that are all there; undefined also where they cannot be asked, since the log has the same records. */
export async function indexesOf(
  { segments }: Pick<ReadDeps, 'segments'>,
  process: string,
  blocks: readonly number[],
  how?: Pick<Expectation, 'early'>,
): Promise<readonly (BlockIndex | undefined)[]> {
  try {
    return await segments.blocks(process, blocks, how)
  } catch (error) {
    if (!hasCode(error, 'unavailable')) throw error
    return blocks.map(() => undefined)
  }
}

interface Group extends NonceRange {
  /** Undefined: these blocks are not packed. */
  packed: BlockIndex[] | undefined
}

/** Blocks side by side that are packed, or are not. */
function grouped(blocks: readonly number[], indexes: readonly (BlockIndex | undefined)[]): Group[] {
  const groups: Group[] = []
  for (const [at, block] of blocks.entries()) {
    const index = indexes[at]
    const first = block * BLOCK_RECORDS
    const last = first + BLOCK_RECORDS - 1
    const before = groups.at(-1)
    if (before && (before.packed === undefined) === (index === undefined)) {
      before.last = last
      if (index) before.packed?.push(index)
    } else groups.push({ first, last, packed: index && [index] })
  }
  return groups
}

/** A hundred records, of which the first ones are being read, all of them where they are not large. */
interface Chunk {
  last: number
  records: Promise<LogRecord[]>
}

/** Records of the log that are being read already. */
interface Reading {
  /** Those at the beginning that the instance remembers. */
  known: readonly LogNode[]
  chunks: Chunk[]
}

function beginReading(deps: LogDeps, process: string, query: NodeQuery, { first, last }: NonceRange): Reading {
  const known = remembered(deps, process, query, { first, last })
  return { known, chunks: readChunks(deps, process, { first: first + known.length, last }) }
}

/** What is remembered of the range, from its first record on, without a gap. */
function remembered({ nodes }: LogDeps, process: string, query: NodeQuery, { first, last }: NonceRange): LogNode[] {
  const known: LogNode[] = []
  for (let nonce = first; nonce <= last; nonce++) {
    const node = nodes.recall(process, nonce, query)
    if (node === undefined) break
    known.push(node)
  }
  return known
}

/** From the log alone. */
export async function* logStretches(
  deps: LogDeps,
  process: string,
  query: NodeQuery,
  { first, last }: NonceRange,
  reach: Reach,
  begun?: Reading,
): AsyncGenerator<LogStretch> {
  const known = begun?.known ?? remembered(deps, process, query, { first, last })
  if (known.length > 0) yield { from: 'log', first, last: first + known.length - 1, nodes: known }
  for (let next = first + known.length; next <= last; ) {
    const wave = { first: next, last: Math.min(last, next + Math.min(WAVE, Math.max(1, reach.wanted())) - 1) }
    for (const { last: end, records } of begun?.chunks ?? readChunks(deps, process, wave)) {
      let part = records
      while (next <= end) {
        const nodes = (await part).map((record) => logNodeOf(record, query))
        for (const node of nodes) deps.nodes.remember(node, query)
        yield { from: 'log', first: next, last: next + nodes.length - 1, nodes }
        next += nodes.length
        if (next <= end) part = readRecords(deps.log, process, next, end)
      }
    }
  }
}

/** The range in chunks, in order, all of which are being read at the same time. */
function readChunks({ log }: Pick<ReadDeps, 'log'>, process: string, { first, last }: NonceRange): Chunk[] {
  const chunks: Chunk[] = []
  for (let next = first; next <= last; next += CHUNK) {
    const end = Math.min(last, next + CHUNK - 1)
    const records = readRecords(log, process, next, end)
    // Who stops early does not wait for the later ones; their failure then concerns nobody.
    records.catch(() => undefined)
    chunks.push({ last: end, records })
  }
  return chunks
}

/** Records that fit into what is left of a page, if they are like those before. */
export const fitting = (count: number, bytes: number, maxBytes: number): number =>
  count === 0 ? FIRST_WAVE : Math.ceil((maxBytes - bytes) / (bytes / count)) + 1
