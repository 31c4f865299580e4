/**
 * What an operator accepts as lost is forgotten everywhere, so that the process goes on before it and its nonces are given out again.
 * Nothing that was signed is known of from there on. What could still bring it out is the relay of the old tables: that must not run.
 */
import pMap from 'p-map'
import { blockOf } from '../ports/segment-store.ts'
import { headAt } from './chain-end.ts'
import type { RestoreDeps } from './deps.ts'
import { endBefore, newHead, workedAt } from './ends.ts'
import { passUploads, undoSinks } from './uploads.ts'

const AT_ONCE = 8

/** May be repeated. @param lost for each process the first nonce that is lost. Fails with `unavailable`. */
export async function cut(deps: RestoreDeps, lost: ReadonlyMap<string, number>): Promise<void> {
  if (lost.size === 0) return
  // Rows that name a lost place would say of an item that comes again that it is there.
  await deps.restore.forgetIds(lost)
  await pMap(lost, ([process, from]) => cutProcess(deps, process, from), { concurrency: AT_ONCE })
}

/** More blocks in a row than the relay ever passes over: none follows. */
const UNPACKED = 16

/** What is packed of it is served without another look at the log. */
async function unpack({ relay, segments }: RestoreDeps, process: string, from: number): Promise<void> {
  const done = (await relay.progress(process))?.done.segments ?? 0
  const first = blockOf(Math.max(0, from))
  for (let block = first, missing = 0; block <= blockOf(done) || missing < UNPACKED; block++) {
    const [index] = await segments.get(process, [block])
    missing = index ? 0 : missing + 1
    if (index) await segments.remove(process, block)
  }
}

async function cutProcess(deps: RestoreDeps, process: string, from: number): Promise<void> {
  // What the index has of a nonce it never changes.
  await deps.metadata?.forget(process, from)
  await unpack(deps, process, from)
  await undoSinks(deps, process, from)
  const head = await deps.log.head(process)
  const firstNonce = head?.firstNonce ?? ((await deps.restore.recordsAt(process, [-1])).length > 0 ? -1 : 0)
  const end = await endBefore(deps, process, from, firstNonce)
  // Of one of which nothing is left nothing stands in the way of its being spawned again.
  if (end.next === firstNonce) {
    if (head && !(await deps.restore.removeHead(head))) throw workedAt(process)
    return
  }
  const target = headAt(head ?? (await newHead(deps, end, firstNonce)), end)
  await passUploads(deps, process, firstNonce, target.next)
  // Last, since until then it says what is lost.
  if (!(await deps.restore.replaceHead(head, target))) throw workedAt(process)
}
