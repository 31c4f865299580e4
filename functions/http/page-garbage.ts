/**
 * What a page was made of is garbage when it has been sent: buffers outside V8's heap, which it gives back only when it collects. Left
 * to itself it does so late and at a price. AWS's runtime lets the young generation grow with the function's memory
 * (`--max-semi-space-size`, a twentieth of it, on the command line, where NODE_OPTIONS cannot say otherwise), so hundreds of megabytes
 * wait there. And since it counts what is on its way with the old generation, it marks that in advance, again and again,
 * though twenty megabytes of it never change: a third of a page's processor time. So when to collect is said here.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Bytes of pages between two collections of the young generation, where hardly anything is alive; three times as much has been read and copied for them. */
const EVERY_BYTES = 4_000_000
/** Bytes of buffers from which on the old generation is collected too (10 ms): reads that were kept for a while, and given up. */
const MOST_BYTES = 72_000_000
/** Bytes that must have come since, where so much is alive. */
const MORE_BYTES = 12_000_000

type Collect = (options: { type: 'minor' | 'major' }) => void

let collect: Collect | undefined
let sent = 0
let most = MOST_BYTES

/** To be told of each piece of a page that is on its way. */
export function pageBytesSent(bytes: number): void {
  sent += bytes
  if (sent < EVERY_BYTES) return
  sent = 0
  collect ??= collector()
  collect({ type: 'minor' })
  if (process.memoryUsage().arrayBuffers < most) return
  collect({ type: 'major' })
  most = Math.max(MOST_BYTES, process.memoryUsage().arrayBuffers + MORE_BYTES)
}

/** `--expose-gc` is how V8 says it; AWS's runtime is started with it. */
function collector(): Collect {
  setFlagsFromString('--no-incremental-marking')
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
}
