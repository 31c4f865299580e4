/**
 * A page of the schedule (contract, "A page of the schedule"): planned first, since whether there is a next page stands
 * in front of the edges, then streamed. Its nonces are consecutive, or it fails: a page never looks whole and is not.
 */
import type { Head, LogRecord } from '../log/record.ts'
import { type Bodies, openBodies } from './bodies.ts'
import { type ReadDeps, timed } from './deps.ts'
import { type Edge, edgeOf } from './edge.ts'
import { matchingRange, messageRange, type NonceRange } from './page-range.ts'
import { edgePieces, pageText } from './page-text.ts'
import type { PageQuery } from './query.ts'
import { outOfPlace, readRecords } from './read-records.ts'
import { lastNonce, readable } from './readable-head.ts'
import { seek } from './seek.ts'

export interface Page {
  /** Whether more records match than the page holds. */
  hasNextPage: boolean
  /** Whether this answer can never change again, so that it may be cached for good where no allow-list rules. */
  immutable: boolean
  /** The page's first and last nonce; undefined for an empty page. */
  nonces: NonceRange | undefined
  /**
   * The page's JSON text in pieces; can be read once. An error breaks it off: the answer must then break off too. Who
   * does not read it to its end must call its iterator's `return`, as `for await` does.
   */
  text: AsyncIterable<string>
}

/**
 * Plans a page from a head that was just read; the page is that of this moment. Fails with `incomplete` for a process that
 * is still being migrated, with `unavailable` where the log, or the first body, cannot be read.
 */
export function openPage(deps: ReadDeps, head: Head, query: PageQuery): Promise<Page> {
  return timed(deps, 'get_messages', async () => {
    const range = await matchingRange(deps, readable(head), query)
    const plan = await planPage(deps, head, query, range)
    const hasNextPage = plan.last < range.last
    const bounded = query.by === 'nonce' && query.to !== undefined && query.to <= lastNonce(head)
    const bodies = await openBodies(deps, blobsOf(plan.edges))
    return {
      hasNextPage,
      immutable: hasNextPage || bounded,
      nonces: plan.last < range.first ? undefined : { first: range.first, last: plan.last },
      text: pageText(hasNextPage, pieces(deps, head.process, query, plan, bodies)),
    }
  })
}

interface Plan {
  /** The edges that are read already; only where equal timestamps overfill a page, not all of them. */
  edges: Edge[]
  /** The page's last nonce. */
  last: number
}

async function planPage(deps: ReadDeps, head: Head, query: PageQuery, range: NonceRange): Promise<Plan> {
  const { log, memory } = deps
  const { process } = head
  if (range.first > range.last) return { edges: [], last: range.first - 1 }
  const limited = { first: range.first, last: Math.min(range.last, range.first + query.limit - 1) }
  // The key behind the last record tells whether a page by timestamps may end there.
  const mustPeek = query.by === 'timestamp' && limited.last < range.last
  const [{ edges, overflow }, peeked] = await Promise.all([
    loadEdges(deps, process, query, limited),
    mustPeek ? log.timeKeys(process, [limited.last + 1]) : [],
  ])
  const end = edges.at(-1)
  if (end === undefined) throw outOfPlace()
  if (query.by === 'nonce') return { edges, last: end.nonce }

  const plan = await endBetweenTimestamps(deps, head, range, { edges, last: end.nonce }, overflow ?? peeked[0])
  memory.remember(process, plan.edges.at(-1)?.timeKey ?? end.timeKey, plan.last)
  return plan
}

/**
 * A client asks on with the last cursor, so a page by timestamps never ends between equal ones: it ends before them, or,
 * if they fill the page, takes them all. This goes before limit and size.
 * @param nextKey time key of the record behind the plan's last one; undefined where no more records match
 */
async function endBetweenTimestamps(
  deps: ReadDeps,
  head: Head,
  range: NonceRange,
  { edges, last }: Plan,
  nextKey: number | undefined,
): Promise<Plan> {
  const key = edges.at(-1)?.timeKey
  if (last === range.last || key === undefined || nextKey !== key) return { edges, last }
  const before = edges.filter((edge) => edge.timeKey < key)
  const end = before.at(-1)
  if (end !== undefined) return { edges: before, last: end.nonce }
  const lastEqual = await seek(deps, { ...messageRange(head), first: last + 1 }, key)
  return { edges, last: Math.min(range.last, lastEqual) }
}

/** Records in one call: what DynamoDB gives in one (100 keys). */
const CHUNK = 100
/** Records read at once while nothing is known of their size. */
const FIRST_WAVE = 200
const WAVE = 1000

/** What stands around the edges, and more. */
const FRAME_BYTES = 64

interface Loaded {
  edges: Edge[]
  /** Time key of the record that was read, but did not fit. */
  overflow?: number
}

/** Edges of the range, in order, as far as the page's bytes reach; at least one. */
async function loadEdges(deps: ReadDeps, process: string, query: PageQuery, range: NonceRange): Promise<Loaded> {
  const edges: Edge[] = []
  let bytes = FRAME_BYTES
  let wave = FIRST_WAVE
  for (let next = range.first; next <= range.last; ) {
    const last = Math.min(range.last, next + wave - 1)
    for await (const records of readAhead(deps, process, { first: next, last })) {
      for (const record of records) {
        const edge = edgeOf(record, query)
        if (edge.timeKey < (edges.at(-1)?.timeKey ?? edge.timeKey)) throw outOfPlace()
        if (edges.length > 0 && bytes + edge.bytes + 1 > deps.maxPageBytes) return { edges, overflow: edge.timeKey }
        bytes += edge.bytes + 1
        edges.push(edge)
      }
    }
    next = last + 1
    // As many as will fit if they are like those before.
    wave = Math.min(WAVE, Math.ceil((deps.maxPageBytes - bytes) / (bytes / edges.length)) + 1)
  }
  return { edges }
}

/** The range in chunks, in order, all of them being read at the same time. */
async function* readAhead(
  { log }: Pick<ReadDeps, 'log'>,
  process: string,
  { first, last }: NonceRange,
): AsyncGenerator<LogRecord[]> {
  const chunks: Promise<LogRecord[]>[] = []
  for (let next = first; next <= last; next += CHUNK) {
    const chunk = readRecords(log, process, next, Math.min(last, next + CHUNK - 1))
    // Who stops early does not wait for the later ones; their failure then concerns nobody.
    chunk.catch(() => undefined)
    chunks.push(chunk)
  }
  for (const chunk of chunks) yield await chunk
}

async function* pieces(
  deps: ReadDeps,
  process: string,
  query: PageQuery,
  { edges, last }: Plan,
  bodies: Bodies,
): AsyncGenerator<string> {
  yield* edgePieces(edges, bodies)
  // What the plan has not read: equal timestamps beyond the page's bounds, which may be any number.
  const end = edges.at(-1)
  for (let next = (end?.nonce ?? last) + 1; next <= last; next += CHUNK) {
    const records = await readRecords(deps.log, process, next, Math.min(last, next + CHUNK - 1))
    if (records.some((record) => record.timeKey !== end?.timeKey)) throw outOfPlace()
    const more = records.map((record) => edgeOf(record, query))
    yield* edgePieces(more, await openBodies(deps, blobsOf(more)))
  }
}

const blobsOf = (edges: readonly Edge[]) => edges.flatMap(({ blob }) => (blob === undefined ? [] : [blob.ref]))
