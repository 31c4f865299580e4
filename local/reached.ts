/** Where the functions reach a local service: at its own address, or through what slows the calls down or tells of them. */
import { type AwsCall, recordCalls } from './aws-calls.ts'
import { waitAbout } from './latency-proxy.ts'
import type { Parts } from './parts.ts'
import { startProxy } from './proxy.ts'

export interface Way {
  /** What each call takes longer. */
  ms: number
  onCall: ((call: AwsCall) => void) | undefined
}

export const reached = async (url: string, { ms, onCall }: Way, parts: Parts): Promise<string> => {
  if (ms === 0 && onCall === undefined) return url
  const proxy = startProxy(url, {
    before: ms === 0 ? undefined : () => waitAbout(ms),
    onRequest: onCall && recordCalls(onCall),
  })
  return (await parts.add(proxy)).url
}
