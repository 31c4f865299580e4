/** `GET /{process}/latest`: the newest record. */
import { SchedulerError } from '../errors.ts'
import { type ReadDeps, timed } from './deps.ts'
import { readRecord } from './read-records.ts'
import { firstMessageNonce, lastNonce, readableHead } from './readable-head.ts'
import { recordText } from './record-text.ts'

/**
 * Its JSON text. Fails with `not-found` for an unknown process and, as clients expect it, for one without messages; with
 * `incomplete` for one that is still being migrated; with `unavailable`.
 */
export function latestText(
  deps: Pick<ReadDeps, 'log' | 'blobs' | 'meter' | 'clock'>,
  process: string,
): Promise<string> {
  return timed(deps, 'get_message', async () => {
    const head = await readableHead(deps.log, process)
    const nonce = lastNonce(head)
    if (nonce < firstMessageNonce(head)) throw new SchedulerError('not-found', 'The process has no messages yet.')
    return recordText(deps, await readRecord(deps.log, process, nonce))
  })
}
