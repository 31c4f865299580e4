/** The rendered nodes of a planned page, in order and without a hole: from segments, and from the log where these fail. */
import { hasCode } from '../errors.ts'
import { BLOCK_RECORDS, blockOf, DamagedSegment } from '../ports/segment-store.ts'
import { openBodies } from './bodies.ts'
import type { ReadDeps } from './deps.ts'
import { completeNode, type LogNode } from './log-node.ts'
import type { NonceRange } from './page-range.ts'
import { type Plan, timeKeyOf } from './plan.ts'
import type { PageQuery } from './query.ts'
import { outOfPlace } from './read-records.ts'
import { logStretches, measuresOf, type SegmentStretch, type Stretch, stepByStep, stretchesOf } from './stretches.ts'

type NodeQuery = Pick<PageQuery, 'showAnchor'>

/** A node's bytes, at once or, of a large one, in pieces, which can be read once and before the next node is asked for. */
export type NodeBytes = Buffer | Iterable<Buffer>

/** As many at a time as are there. Fails with `unavailable`. */
export async function* pageNodes(deps: ReadDeps, plan: Plan, query: NodeQuery): AsyncGenerator<readonly NodeBytes[]> {
  for await (const stretch of allStretches(deps, plan, query)) {
    if (stretch.from === 'log') yield* nodesOfLog(deps, stretch.nodes)
    else yield* nodesOfSegments(deps, plan, stretch, query)
  }
}

/** Those that the plan holds, then the others as they are asked for. */
export async function* allStretches(deps: ReadDeps, plan: Plan, query: NodeQuery): AsyncGenerator<Stretch> {
  yield* plan.stretches
  const rest = { first: (plan.stretches.at(-1)?.last ?? plan.first - 1) + 1, last: plan.last }
  for await (const stretch of stretchesOf(deps, plan.head, query, rest, stepByStep)) {
    for (const [at, { timeKey }] of measuresOf(stretch, query).entries()) {
      if (timeKey !== timeKeyOf(plan, stretch.first + at)) throw outOfPlace()
    }
    yield stretch
  }
}

async function* nodesOfSegments(
  deps: ReadDeps,
  { head }: Plan,
  stretch: SegmentStretch,
  query: NodeQuery,
): AsyncGenerator<readonly NodeBytes[]> {
  const { process } = head
  const { last } = stretch
  for (let next = stretch.first; next <= last; ) {
    let doubtful = last
    try {
      const indexes = stretch.indexes.filter(({ block }) => block >= blockOf(next))
      for await (const nodes of deps.segments.nodes(process, indexes, next, last, query)) {
        next += nodes.length
        yield nodes
      }
    } catch (error) {
      doubtful = lastInDoubt(deps, error, next, last)
    }
    // What segments have not given: the log has it.
    yield* nodesAnew(deps, head, query, { first: next, last: doubtful })
    next = doubtful + 1
  }
}

/**
 * How far the log is read instead of segments: the rest of a block that is damaged, which is reported, or all of it where they
 * cannot be asked. Throws what is neither.
 */
export function lastInDoubt(deps: Pick<ReadDeps, 'damage'>, error: unknown, next: number, last: number): number {
  if (error instanceof DamagedSegment) {
    deps.damage.report(error)
    return Math.min(last, (blockOf(next) + 1) * BLOCK_RECORDS - 1)
  }
  if (hasCode(error, 'unavailable')) return last
  throw error
}

/** From the log, whatever is packed. */
async function* nodesAnew(
  deps: ReadDeps,
  { process }: Plan['head'],
  query: NodeQuery,
  range: NonceRange,
): AsyncGenerator<readonly NodeBytes[]> {
  for await (const { nodes } of logStretches(deps, process, query, range, stepByStep)) yield* nodesOfLog(deps, nodes)
}

async function* nodesOfLog(deps: ReadDeps, nodes: readonly LogNode[]): AsyncGenerator<readonly NodeBytes[]> {
  const refs = nodes.flatMap(({ blob }) => (blob === undefined ? [] : [blob.ref]))
  if (refs.length === 0) {
    yield nodes.flatMap(({ node }) => (node === undefined ? [] : [node]))
    return
  }
  const bodies = await openBodies(deps, refs)
  try {
    for (const { node, blob } of nodes) yield [blob === undefined ? node : completeNode(blob, await bodies.next())]
  } finally {
    // Given up when the reader stops.
    await bodies.close()
  }
}
