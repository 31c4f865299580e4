/** Where the functions reach a local service: at its own address, or through what slows the calls down or tells of them. */
import { type AwsCall, type DynamoDbExchange, recordCalls, recordDynamoDb } from './aws-calls.ts'
import { waitAbout } from './latency-proxy.ts'
import type { Parts } from './parts.ts'
import { startProxy } from './proxy.ts'

export interface Way {
  /** What each call takes longer. */
  ms: number
  onCall: ((call: AwsCall) => void) | undefined
  onDynamoDb?: ((exchange: DynamoDbExchange) => void) | undefined
}

export const reached = async (url: string, { ms, onCall, onDynamoDb }: Way, parts: Parts): Promise<string> => {
  const watchers = [...(onCall ? [recordCalls(onCall)] : []), ...(onDynamoDb ? [recordDynamoDb(onDynamoDb)] : [])]
  if (ms === 0 && watchers.length === 0) return url
  const proxy = startProxy(url, {
    before: ms === 0 ? undefined : () => waitAbout(ms),
    onRequest: (request, onAnswer) => {
      for (const watch of watchers) watch(request, onAnswer)
    },
  })
  return (await parts.add(proxy)).url
}
