/**
 * What a page was made of is garbage when it has been sent: buffers outside V8's heap, which it gives back only when it collects
 * its young generation. AWS's runtime lets that generation grow with the function's memory (`--max-semi-space-size`, a twentieth of it,
 * on the command line, where NODE_OPTIONS cannot say otherwise), so hundreds of megabytes wait there. Collected once in so many bytes they do not,
 * and since hardly anything in it is alive, that takes less than a millisecond.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Bytes of pages between two collections; three times as much has been read and copied for them. */
const EVERY_BYTES = 4_000_000

type Collect = (options: { type: 'minor' }) => void

let collect: Collect | undefined
let sent = 0

/** To be told of each piece of a page that is on its way. */
export function pageBytesSent(bytes: number): void {
  sent += bytes
  if (sent < EVERY_BYTES) return
  sent = 0
  collect ??= collector()
  collect({ type: 'minor' })
}

/**
 * `--expose-gc` is how V8 says it; AWS's runtime is started with it.
 *
 * What is on its way, buffers all of it, V8 counts with its old generation too, and so it marked that once in a page or two, though twenty
 * megabytes of it never change: a third of a page's processor time. Without marking in advance it collects when the limit is
 * reached, and that at once, which takes 10 ms where there is so little.
 */
function collector(): Collect {
  setFlagsFromString('--no-incremental-marking')
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc')
}
