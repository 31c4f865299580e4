/** `GET /processes/{process}`: the process itself. */
import { type ReadDeps, timed } from './deps.ts'
import { outOfPlace, readRecord } from './read-records.ts'
import { readableHead } from './readable-head.ts'
import { withRawItem } from './record-text.ts'
import { processText } from './render.ts'

/**
 * Its JSON text, with block and timestamp of its assignment; without one, of when it was accepted. Fails with `not-found`
 * for an unknown process, `incomplete` for one that is still being migrated, and `unavailable`.
 */
export function readProcessText(
  deps: Pick<ReadDeps, 'log' | 'bodies' | 'meter' | 'clock'>,
  process: string,
): Promise<string> {
  return timed(deps, 'get_process', async () => {
    const head = await readableHead(deps.log, process)
    const record = await readRecord(deps.log, process, head.firstNonce)
    return withRawItem(deps, record, (raw) => {
      if (raw === undefined || record.id !== process) throw outOfPlace()
      return processText(record, raw)
    })
  })
}
