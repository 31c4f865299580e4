/**
 * Tells the relay where to begin in a restored log: what the backup did not know to be uploaded may have been since. Only what is
 * seen to be there is passed over, so nothing is forgotten, and little is sent twice.
 */
import { SchedulerError } from '../errors.ts'
import type { LogRecord } from '../log/record.ts'
import { type Sink, sinks } from '../ports/relay-store.ts'
import { assignmentId } from '../relay/parts.ts'
import type { RestoreDeps } from './deps.ts'
import { range } from './fill.ts'

const RECORDS_AT_ONCE = 50
/** A relay may move a watermark too, while it has something to do. */
const TRIES = 20

type UploadDeps = Pick<RestoreDeps, 'relay' | 'restore' | 'uploads'>

/** Up to `next`, which the head need not cover yet: the relay begins when it does. Gives how many records are still to be uploaded. */
export async function passUploads(deps: UploadDeps, process: string, first: number, next: number): Promise<number> {
  const done = (await deps.relay.progress(process))?.done.upload ?? first
  let to = done
  while (to < next) {
    const records = await deps.restore.recordsAt(process, range(to, Math.min(next, to + RECORDS_AT_ONCE)))
    const uploaded = await deps.uploads.uploaded(records.flatMap(partIds))
    const passed = records.findIndex((record, index) => {
      const ids = partIds(record)
      return record.nonce !== to + index || ids.some((id) => !uploaded.has(id))
    })
    to += passed < 0 ? records.length : passed
    if (passed >= 0 || records.length === 0) break
  }
  await move(deps, process, 'upload', (standing) => (to > (standing ?? first) ? to : standing))
  return Math.max(0, next - to)
}

/** Nothing from this nonce on is done any more: it will be something else. */
export async function undoSinks(deps: Pick<RestoreDeps, 'relay'>, process: string, from: number): Promise<void> {
  for (const sink of sinks) {
    await move(deps, process, sink, (standing) => (standing !== undefined && standing > from ? from : standing))
  }
}

async function move(
  { relay }: Pick<RestoreDeps, 'relay'>,
  process: string,
  sink: Sink,
  target: (standing: number | undefined) => number | undefined,
): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const progress = await relay.progress(process)
    const standing = progress?.done[sink]
    const to = target(standing)
    if (to === undefined || to === standing) return
    if (await relay.advance(process, { [sink]: { from: standing, to } })) return
    // Without a head nothing is told of a watermark that is there: the relay goes on from that.
    if (progress === undefined) return
  }
  throw new SchedulerError('unavailable', `The relay of process ${process} does not come to rest`, { retryAfter: 5 })
}

function partIds({ item, assignment }: LogRecord): string[] {
  const id = assignment && assignmentId(assignment)
  return [...(item ? [item.id] : []), ...(id === undefined ? [] : [id])]
}
