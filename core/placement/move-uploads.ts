/**
 * Who uploads what when a process moves. The new unit's relay goes on where the old one's stood, so nothing is left out, whatever
 * becomes of the old unit. What that one had not finished when the move could wait no longer is done by both: every upload is
 * idempotent by its id. (The old relay is not told to leave it: a watermark must never say that something is done which
 * is not, or the next move, or one that comes late, would carry that on.)
 */
import { SchedulerError } from '../errors.ts'
import type { Head } from '../log/record.ts'
import type { Clock } from '../ports/clock.ts'
import type { Owed } from '../ports/relay-store.ts'
import type { UnitStores } from './move-stores.ts'

type Relayed = Pick<UnitStores, 'relay'>

const POLL_MS = 200
/** A watermark is moved by a relay too, while that has something to do. */
const TRIES = 20
const PARTS_AT_ONCE = 50

/** Waits for the old relay to finish what a frozen head covers. Gives how many records are left. */
export async function awaitUploads(
  { relay }: Relayed,
  { process, next, firstNonce }: Head,
  clock: Clock,
  patienceMs: number,
): Promise<number> {
  const deadline = clock.now() + patienceMs
  for (;;) {
    const progress = await relay.progress(process)
    const left = Math.max(0, next - (progress?.done.upload ?? firstNonce))
    if (left === 0 || clock.now() >= deadline) return left
    await clock.sleep(POLL_MS)
  }
}

/** Before the new head covers anything, its relay gets the watermark of the old one, and what that one owes. */
export async function carryUploads(from: Relayed, to: Relayed, process: string): Promise<void> {
  // The watermark is read first: what is owed below it is kept by then.
  const done = (await from.relay.progress(process))?.done.upload
  let parts: Owed[] = []
  for await (const part of from.relay.owed(process)) {
    if (part.sink !== 'upload') continue
    parts.push(part)
    if (parts.length < PARTS_AT_ONCE) continue
    await to.relay.owe(parts)
    parts = []
  }
  await to.relay.owe(parts)
  if (done === undefined) return
  for (let tries = 0; tries < TRIES; tries++) {
    const standing = (await to.relay.progress(process))?.done.upload
    // From an earlier copy, with a relay that has come further since.
    if (standing !== undefined && standing >= done) return
    if (await to.relay.advance(process, { upload: { from: standing, to: done } })) return
  }
  throw new SchedulerError('unavailable', `The upload of process ${process} does not come to rest`, { retryAfter: 5 })
}
