/** The third effect: finished history into segments, a block at a time. */
import type { Head } from '../log/record.ts'
import { BLOCK_RECORDS, blockOf } from '../ports/segment-store.ts'
import type { RelayDeps } from './deps.ts'
import type { EffectOutcome, Patience } from './effect.ts'

/** Faults that are named to the operator. */
const NAMED = 5

/** Packs the block that begins at `from`. Throws what it fails with: nothing is tried again here, later is soon enough. */
export async function packNextBlock(
  { segments, log }: Pick<RelayDeps, 'segments' | 'log'>,
  head: Pick<Head, 'process' | 'firstNonce'>,
  from: number,
  { packUntil }: Patience,
): Promise<EffectOutcome> {
  const block = blockOf(from)
  const outcome = await segments.build(head, block, { beginBy: packUntil })
  if (outcome === undefined) return { done: from, later: true }
  if (outcome.kind === 'unsound') {
    // Later it would be no better, and the records are served from the log as they are.
    const faults = outcome.faults.slice(0, NAMED).map(({ nonce, what }) => `nonce ${nonce} ${what}`)
    log.warn({ process: head.process, block, faults }, 'The log is not sound here: no segments are made of it.')
  }
  return { done: (block + 1) * BLOCK_RECORDS }
}
