/** Has damaged blocks packed again from the log, while the instance lives and answers; nobody waits for it but the end of a request. */

import { LRUCache } from 'lru-cache'
import pMap from 'p-map'
import type { Clock } from '../ports/clock.ts'
import type { LogStore } from '../ports/log-store.ts'
import type { SegmentDamage } from '../ports/segment-damage.ts'
import { BLOCK_RECORDS, type DamagedSegment } from '../ports/segment-store.ts'
import type { RelayLog } from '../relay/deps.ts'
import type { SegmentBuilder } from './builder.ts'

/** So long a block is left alone after it was repaired, or could not be, ms. */
const REST_MS = 60_000
const REMEMBERED = 1_000
/** Beyond that another report is dropped, and one of low priority where any other is under way: the next reader makes it again. */
const WAITING = 16

export interface SegmentRepair extends SegmentDamage {
  /** Waits until what was reported is repaired, or cannot be. Does not throw. */
  settle(): Promise<void>
}

export interface RepairDeps {
  builder: SegmentBuilder
  heads: Pick<LogStore, 'head'>
  clock: Pick<Clock, 'now'>
  log: RelayLog
}

export function createSegmentRepair({ builder, heads, clock, log }: RepairDeps): SegmentRepair {
  /** By block, when it was reported. */
  const reported = new LRUCache<string, number>({ max: REMEMBERED })
  const underWay = new Set<Promise<void>>()

  async function repair({ process, block, message }: DamagedSegment): Promise<void> {
    log.warn({ process, block }, message)
    try {
      const head = await heads.head(process)
      if (head === undefined || head.next < (block + 1) * BLOCK_RECORDS) return
      const outcome = await builder.build(head, block, { again: true })
      if (outcome?.kind === 'built') log.warn({ process, block }, 'The block was packed again from the log.')
      else log.warn({ process, block, outcome: outcome?.kind ?? 'resting' }, 'The block was not packed again.')
    } catch (error) {
      log.warn({ process, block, err: error }, 'The block could not be packed again.')
    }
  }

  return {
    report(damage) {
      const key = `${damage.process}/${damage.block}`
      const since = reported.get(key)
      if (
        underWay.size >= (damage.priority === 'low' ? 1 : WAITING) ||
        (since !== undefined && clock.now() < since + REST_MS)
      )
        return
      reported.set(key, clock.now())
      const repaired = repair(damage).finally(() => underWay.delete(repaired))
      underWay.add(repaired)
    },
    settle: async () => {
      await pMap(underWay, (repaired) => repaired)
    },
  }
}
