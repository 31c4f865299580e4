/** `GET /{process}/latest`: the newest record. */
import { SchedulerError } from '../errors.ts'
import { type ReadDeps, timed } from './deps.ts'
import { readRecord } from './read-records.ts'
import { lastNonce, readableHead } from './readable-head.ts'
import { recordBytes } from './record-text.ts'

/**
 * Its JSON text in pieces (`recordBytes`); of a process without messages its own record, if it has an assignment: HyperBEAM and dry runs ask for
 * the latest record of a fresh process. Fails with `not-found` for an unknown process and for one without any
 * assignment, with `incomplete` for one that is still being migrated, with `unavailable`.
 */
export function latestBytes(
  deps: Pick<ReadDeps, 'log' | 'bodies' | 'meter' | 'clock'>,
  process: string,
): Promise<AsyncIterable<Buffer>> {
  return timed(deps, 'get_message', async () => {
    const head = await readableHead(deps.log, process)
    const nonce = lastNonce(head)
    if (nonce < 0) throw new SchedulerError('not-found', 'The process has no messages yet.')
    return recordBytes(deps, await readRecord(deps.log, process, nonce))
  })
}
