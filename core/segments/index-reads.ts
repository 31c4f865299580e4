/** Reads blocks' indexes. Those that the instance has read stay in memory, until damage is found; concurrent readers share a read. */
import { LRUCache } from 'lru-cache'
import type { Clock } from '../ports/clock.ts'
import type { SegmentDamage } from '../ports/segment-damage.ts'
import { type BlockIndex, DamagedSegment, type SegmentIndexes, type SegmentReader } from '../ports/segment-store.ts'
import { decodeIndex } from './index-row.ts'
import { whileAnswering } from './rest.ts'

/** Kept in memory; each takes some 20 KB. */
const INDEXES_KEPT = 500

export interface IndexReadsDeps {
  indexes: Pick<SegmentIndexes, 'get'>
  /** Is told of those that are damaged: such a block counts as not packed. */
  damage: SegmentDamage
  clock: Pick<Clock, 'now'>
}

export interface IndexReads {
  blocks: SegmentReader['blocks']
  /** A damaged block is packed again, perhaps with another index: it is read again when it is needed. */
  forget(process: string, block: number): void
}

export function createIndexReads(deps: IndexReadsDeps): IndexReads {
  const indexes = whileAnswering(deps.clock, (process: string, blocks: readonly number[]) =>
    deps.indexes.get(process, blocks),
  )
  const known = new LRUCache<string, BlockIndex>({ max: INDEXES_KEPT })
  /** Blocks whose indexes are being asked for, and the question. */
  const asked = new Map<string, Question>()

  function askFor(process: string, blocks: readonly number[], early: boolean): Question {
    const question = { answer: learnIndexes(process, blocks, early), early }
    for (const block of blocks) {
      const key = `${process}/${block}`
      asked.set(key, question)
      const done = () => {
        if (asked.get(key) === question) asked.delete(key)
      }
      question.answer.then(done, done)
    }
    return question
  }

  async function learnIndexes(process: string, blocks: readonly number[], early: boolean): Promise<void> {
    const rows = await (early ? indexes.askEarly : indexes.ask)(process, blocks)
    for (const [at, block] of blocks.entries()) {
      const row = rows[at]
      if (row === undefined) continue
      const index = decodeIndex(process, block, row)
      if (typeof index === 'object') known.set(`${process}/${block}`, index)
      else if (index === 'altered') deps.damage.report(new DamagedSegment(process, block, 'its index is altered'))
      else if (index === 'older') deps.damage.report(new DamagedSegment(process, block, 'its version is older', 'low'))
    }
  }

  const read: SegmentReader['blocks'] = async (process, blocks, { early = false } = {}) => {
    const keyOf = (block: number) => `${process}/${block}`
    const missing = blocks.filter((block) => !known.has(keyOf(block)))
    const unasked = missing.filter((block) => !asked.has(keyOf(block)))
    const questions = new Set(missing.flatMap((block) => asked.get(keyOf(block)) ?? []))
    if (unasked.length > 0) questions.add(askFor(process, unasked, early))
    const inVain = await Promise.all(Array.from(questions, (question) => isInVain(question, early)))
    if (inVain.includes(true)) {
      const again = missing.filter((block) => !known.has(keyOf(block)))
      if (again.length > 0) await askFor(process, again, false).answer
    }
    return blocks.map((block) => known.get(keyOf(block)))
  }
  return { blocks: read, forget: (process, block) => void known.delete(`${process}/${block}`) }
}

/** Indexes that are being asked for. */
interface Question {
  answer: Promise<void>
  /** By somebody who does not wait for it. */
  early: boolean
}

/** Whether it failed for no reason of the store's, so that who waits should ask again. Fails where it failed for another one. */
async function isInVain({ answer, early }: Question, isEarlyToo: boolean): Promise<boolean> {
  try {
    await answer
    return false
  } catch (error) {
    if (!early || isEarlyToo) throw error
    return true
  }
}
