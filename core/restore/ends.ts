/** Ends of a process's log as records give them, and the heads that go with them. */
import { readable } from '../audit/item-facts.ts'
import { SchedulerError } from '../errors.ts'
import type { Head } from '../log/record.ts'
import { bodyOf } from '../placement/move-copy.ts'
import { settlementDepth } from '../schedule/rules.ts'
import { after, beforeAll, type RestoredEnd } from './chain-end.ts'
import type { RestoreDeps } from './deps.ts'

/** What stands before a nonce, whose record must be there unless it is the first. Fails with `unavailable`. */
export async function endBefore(
  { restore }: Pick<RestoreDeps, 'restore'>,
  process: string,
  nonce: number,
  firstNonce: number,
): Promise<RestoredEnd> {
  const start = beforeAll(process, firstNonce)
  if (nonce <= firstNonce) return start
  const [record] = await restore.recordsAt(process, [nonce - 1])
  if (!record) throw workedAt(process)
  return after(start, record)
}

/** The head of a process that the backup does not have, but for where it ends. Fails with `unavailable`. */
export async function newHead(
  deps: Pick<RestoreDeps, 'restore' | 'blobs'>,
  { process, epoch }: RestoredEnd,
  firstNonce: 0 | -1,
): Promise<Head> {
  const [record] = await deps.restore.recordsAt(process, [firstNonce])
  const raw = record && (await bodyOf(deps, record))
  return {
    process,
    state: 'open',
    next: firstNonce,
    timestamp: 0,
    blockHeight: 0,
    epoch,
    firstNonce,
    settlementDepth: settlementDepth(raw && readable(raw)),
  }
}

export const workedAt = (process: string) =>
  new SchedulerError('unavailable', `Somebody else works at process ${process}: run it again`)
