/**
 * Builds for one instance: few blocks at a time, since a block's largest segment is held in memory whole. A process that fails is
 * left alone for a while, and when several fail one after the other all are: a store that is away or slow is not waited for by
 * each of them anew, and one whose trouble is its own holds up nobody.
 */
import { LRUCache } from 'lru-cache'
import type { Head } from '../log/record.ts'
import type { Clock } from '../ports/clock.ts'
import { type BuildDeps, type BuildOptions, type BuildOutcome, buildBlock } from './build.ts'

const AT_ONCE = 2
const PROCESS_RESTS_MS = 60_000
const ALL_REST_MS = 30_000
/** Failures one after the other that are no process's own. */
const MANY = 2
const REMEMBERED = 1_000

export interface BuilderOptions extends BuildOptions {
  /** It is not begun after that, ms since the epoch. */
  beginBy?: number | undefined
}

export interface SegmentBuilder {
  /** As `buildBlock`, which it fails like; undefined: it was late, or it rests, and nothing was done. */
  build(
    head: Pick<Head, 'process' | 'firstNonce'>,
    block: number,
    options?: BuilderOptions,
  ): Promise<BuildOutcome | undefined>
}

export function createSegmentBuilder(deps: BuildDeps & { clock: Pick<Clock, 'now'> }): SegmentBuilder {
  const { clock } = deps
  /** Until when a process rests, ms since the epoch; and all of them. */
  const resting = new LRUCache<string, number>({ max: REMEMBERED })
  let allRestUntil = Number.NEGATIVE_INFINITY
  let failures = 0
  let free = AT_ONCE
  const waiting: (() => void)[] = []

  async function inTurn<T>(run: () => Promise<T>): Promise<T> {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await run()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }

  return {
    build: (head, block, { beginBy = Number.POSITIVE_INFINITY, ...options } = {}) =>
      inTurn(async () => {
        const { process } = head
        // It may have waited for its turn.
        if (clock.now() >= beginBy) return undefined
        if (clock.now() < Math.max(allRestUntil, resting.get(process) ?? allRestUntil)) return undefined
        try {
          const outcome = await buildBlock(deps, head, block, options)
          failures = 0
          return outcome
        } catch (error) {
          failures++
          resting.set(process, clock.now() + PROCESS_RESTS_MS)
          if (failures >= MANY) allRestUntil = clock.now() + ALL_REST_MS
          throw error
        }
      }),
  }
}
