/** The sink `segments`: finished history, packed a block at a time. */
import { LostBlob } from '../ports/blob-store.ts'
import { BLOCK_RECORDS, blockOf } from '../ports/segment-store.ts'
import { LostRecord, reasonOf } from './batch.ts'
import { isOld, owedPart, type SinkOutcome, type Turn } from './sink.ts'

/** Faults that are named to the operator. */
const NAMED = 5

/**
 * A block with a record that cannot be read becomes owed as a whole: its records are served from the log meanwhile. Other
 * failures are not retried here; nobody waits for segments.
 */
export async function packFrom(turn: Turn, from: number, next: number): Promise<SinkOutcome> {
  const { deps, progress } = turn
  for (let position = from; position < next && deps.clock.now() < turn.deadline; ) {
    const block = blockOf(position)
    const nonce = block * BLOCK_RECORDS
    try {
      const packed = await packBlock(turn, block)
      if (!packed)
        return { trouble: { nonce, reason: progress.trouble.segments?.reason ?? 'Packing pauses after failures.' } }
    } catch (error) {
      const lost = error instanceof LostRecord || error instanceof LostBlob
      if (!lost && !isOld(turn, 'segments', nonce)) return { trouble: { nonce, reason: reasonOf(error) } }
      await deps.store.owe([owedPart(turn, { sink: 'segments', nonce, part: 'block', reason: reasonOf(error) }, 1)])
      deps.meter.count('parts_owed')
    }
    position = nonce + BLOCK_RECORDS
    await turn.moveTo('segments', position)
  }
  return {}
}

/** False where it was not begun: the deadline came, or packing pauses. Throws what it fails with. */
export async function packBlock(
  { deps: { segments, log }, progress, deadline }: Pick<Turn, 'deps' | 'progress' | 'deadline'>,
  block: number,
): Promise<boolean> {
  const outcome = await segments.build(progress, block, { beginBy: deadline })
  if (outcome === undefined) return false
  if (outcome.kind === 'unsound') {
    // Later it would be no better, and the records are served from the log as they are.
    const faults = outcome.faults.slice(0, NAMED).map(({ nonce, what }) => `nonce ${nonce} ${what}`)
    log.warn({ process: progress.process, block, faults }, 'The log is not sound here: no segments are made of it.')
  }
  return true
}
