/** From which nonce on a process is uploaded again: what the other unit scheduled since a time, as its own `cli` takes it. */
import type { ProcessRun } from './run.ts'

/** The first nonce whose timestamp is `since` (ms) or later; `next` where there is none. Fails as the source does. */
export async function firstSince({ opened, context }: ProcessRun, since: number, next: number): Promise<number> {
  const { process, firstNonce, first } = opened
  if (first.timestamp >= since) return firstNonce
  const { source } = context.deps
  // The greatest timestamp before a nonce never falls with it.
  let [low, high] = [firstNonce + 1, next]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const latest = await source.latestBefore(process, middle + 1)
    if (latest !== undefined && latest >= since) high = middle
    else low = middle + 1
  }
  return low
}
