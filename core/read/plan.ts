/** Which records a page holds, known before its first byte: whether there is a next page stands in front of them. */
import type { Head } from '../log/record.ts'
import { blockOf, type ObjectName } from '../ports/segment-store.ts'
import type { ReadDeps } from './deps.ts'
import { messageRange, type NonceRange } from './page-range.ts'
import type { PageQuery } from './query.ts'
import { outOfPlace } from './read-records.ts'
import { seek } from './seek.ts'
import { cutOff, fitting, indexesOf, measuresOf, type Stretch, stretchesOf } from './stretches.ts'

export interface Plan {
  head: Head
  /** The page's first and last nonce; `last < first` for an empty page. */
  first: number
  last: number
  /** Where they come from, in order, as far as that is held; from there to `last` it is still to be asked. */
  stretches: Stretch[]
  /** Of its JSON text, about: what it was planned with. */
  bytes: number
  /** Time keys (ms) of the nonces from `first` on that were looked at one by one; all others have the last one's. */
  timeKeys: number[]
}

/** The time key (ms) of a nonce of the page. */
export const timeKeyOf = ({ first, timeKeys }: Plan, nonce: number): number => {
  const key = timeKeys[nonce - first] ?? timeKeys.at(-1)
  if (key === undefined) throw new Error('an empty page has no time keys')
  return key
}

/** Bytes of rendered records of the log that a plan holds; what comes behind is read again when it is sent. */
const HOLD_BYTES = 8_000_000

/** What stands around the edges, and more. */
const FRAME_BYTES = 64

/** Bytes of `{"node":…,"cursor":"…"}` and a comma, beside node and cursor. */
const EDGE_BYTES = 22

/**
 * @param range all that matches
 * @param reads what of it will be read of segments
 * Fails with `unavailable`.
 */
export async function planPage(
  deps: ReadDeps,
  head: Head,
  query: PageQuery,
  range: NonceRange,
  reads: ObjectName['form'] | undefined,
): Promise<Plan> {
  if (range.first > range.last) {
    return { head, first: range.first, last: range.first - 1, stretches: [], bytes: 0, timeKeys: [] }
  }
  const limited = { first: range.first, last: Math.min(range.last, range.first + query.limit - 1) }
  // The key behind the last record tells whether a page by timestamps may end there.
  const mustPeek = query.by === 'timestamp' && limited.last < range.last
  const [{ plan, overflow }, peeked] = await Promise.all([
    fill(deps, head, query, limited, reads),
    mustPeek ? keyOf(deps, head, limited.last + 1) : undefined,
  ])
  if (query.by === 'nonce') return plan

  const ended = await endBetweenTimestamps(deps, range, plan, overflow ?? peeked)
  const key = ended.timeKeys.at(-1)
  // Where more match, the key behind the page's last one is known to be greater.
  if (key !== undefined) {
    deps.memory.remember(head.process, key, { nonce: ended.last, settled: ended.last < range.last })
  }
  return ended
}

/** The time key of a nonce that the head covers, from the index of its block where that is packed. */
async function keyOf(deps: ReadDeps, { process, next }: Head, nonce: number): Promise<number | undefined> {
  const block = blockOf(nonce)
  if (block < blockOf(next)) {
    const [index] = await indexesOf(deps, process, [block])
    const record = index?.records.find((one) => one.nonce === nonce)
    if (record) return record.timeKey
  }
  return (await deps.log.timeKeys(process, [nonce]))[0]
}

interface Filled {
  plan: Plan
  /** Time key of the record that was looked at, but did not fit. */
  overflow?: number
}

/** As much of the range, in order, as the page's bytes reach; at least one record. */
async function fill(
  deps: ReadDeps,
  head: Head,
  query: PageQuery,
  range: NonceRange,
  reads: ObjectName['form'] | undefined,
): Promise<Filled> {
  const plan: Plan = {
    head,
    first: range.first,
    last: range.first - 1,
    stretches: [],
    bytes: FRAME_BYTES,
    timeKeys: [],
  }
  const { maxPageBytes } = deps
  let held = 0
  const reach = { wanted: () => fitting(plan.timeKeys.length, plan.bytes, maxPageBytes), reads }
  for await (const stretch of stretchesOf(deps, head, query, range, reach)) {
    let overflow: number | undefined
    for (const { timeKey, bytes: node } of measuresOf(stretch, query)) {
      const before = plan.timeKeys.at(-1)
      if (before !== undefined && timeKey < before) throw outOfPlace()
      const cursor = query.by === 'nonce' ? plan.last + 1 : timeKey
      const edge = EDGE_BYTES + node + String(cursor).length
      if (before !== undefined && plan.bytes + edge > maxPageBytes) {
        overflow = timeKey
        break
      }
      plan.bytes += edge
      plan.timeKeys.push(timeKey)
      plan.last++
    }
    if (plan.last >= stretch.first && held < HOLD_BYTES) {
      append(plan, cutOff(stretch, Math.min(stretch.last, plan.last)))
      if (stretch.from === 'log') held += stretch.nodes.reduce((sum, { node }) => sum + (node?.length ?? 0), 0)
    }
    if (overflow !== undefined) return { plan, overflow }
  }
  return { plan }
}

/** One stretch for what comes from one place, so that it is read ahead as a whole. */
function append({ stretches }: Plan, stretch: Stretch): void {
  const before = stretches.at(-1)
  if (before?.from === 'log' && stretch.from === 'log') {
    stretches.splice(-1, 1, { ...before, last: stretch.last, nodes: [...before.nodes, ...stretch.nodes] })
  } else if (before?.from === 'segments' && stretch.from === 'segments') {
    const known = new Set(before.indexes.map(({ block }) => block))
    const indexes = [...before.indexes, ...stretch.indexes.filter(({ block }) => !known.has(block))]
    stretches.splice(-1, 1, { ...before, last: stretch.last, indexes })
  } else stretches.push(stretch)
}

/**
 * A client asks on with the last cursor, so a page by timestamps never ends between equal ones: it ends before them, or,
 * if they fill the page, takes them all. This goes before limit and size.
 * @param nextKey time key of the record behind the plan's last one; undefined where no more records match
 */
async function endBetweenTimestamps(
  deps: ReadDeps,
  range: NonceRange,
  plan: Plan,
  nextKey: number | undefined,
): Promise<Plan> {
  const key = plan.timeKeys.at(-1)
  if (plan.last === range.last || key === undefined || nextKey !== key) return plan
  const count = plan.timeKeys.findLastIndex((one) => one < key) + 1
  if (count > 0) return ending(plan, plan.first + count - 1)
  const lastEqual = await seek(deps, { ...messageRange(plan.head), first: plan.last + 1 }, key)
  return { ...plan, last: Math.min(range.last, lastEqual) }
}

/** The plan up to `last`, which is in it. */
const ending = (plan: Plan, last: number): Plan => ({
  ...plan,
  last,
  stretches: plan.stretches
    .filter(({ first }) => first <= last)
    .map((stretch) => (stretch.last > last ? cutOff(stretch, last) : stretch)),
  timeKeys: plan.timeKeys.slice(0, last - plan.first + 1),
})
