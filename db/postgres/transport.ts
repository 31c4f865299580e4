/**
 * The way of one client's requests: where they go, how many at once, how long each may take. The driver knows all of this
 * for the whole process only, but passes a client's `fetchOptions` on with each request: a client's transport rides there.
 */
import { neonConfig } from '@neondatabase/serverless'

export interface TransportOptions {
  /** NEON_PROXY_URL: where SQL over HTTP goes; undefined: to the database's own host, as at Neon. */
  proxyUrl?: string | undefined
  /** Requests under way at once; the others wait. */
  connections: number
  /** For each request, with the wait for its turn, ms. */
  timeoutMs: number
}

export type Transport = (url: string, init: RequestInit) => Promise<Response>

interface RequestWithTransport extends RequestInit {
  transport?: Transport
}

/** Has the driver use the transports that its requests bring along. Called where a client is made. */
export function useTransports(): void {
  neonConfig.fetchFunction = sendByTransport
}

const sendByTransport = (url: string, { transport = fetch, ...init }: RequestWithTransport): Promise<Response> =>
  transport(url, init)

export function createTransport({ proxyUrl, connections, timeoutMs }: TransportOptions): Transport {
  const endpoint = proxyUrl === undefined ? undefined : `${proxyUrl.replace(/\/+$/, '')}/sql`
  const turns = createTurns(connections)
  return async (url, init) => {
    const signal = AbortSignal.timeout(timeoutMs)
    await turns.take(signal)
    try {
      const response = await fetch(endpoint ?? url, { ...init, signal })
      // Read here, so that the turn and the time limit hold until the answer is whole.
      return new Response(await response.arrayBuffer(), { status: response.status })
    } finally {
      turns.giveBack()
    }
  }
}

/** So many at once, in the order in which they came; who waits in vain leaves the queue. */
function createTurns(count: number) {
  let free = count
  const waiting = new Set<() => void>()
  return {
    async take(signal: AbortSignal): Promise<void> {
      if (free > 0) {
        free--
        return
      }
      await new Promise<void>((resolve, reject) => {
        const begin = () => {
          signal.removeEventListener('abort', giveUp)
          resolve()
        }
        const giveUp = () => {
          waiting.delete(begin)
          reject(signal.reason)
        }
        waiting.add(begin)
        signal.addEventListener('abort', giveUp, { once: true })
      })
    },
    giveBack(): void {
      const [next] = waiting
      if (next === undefined) {
        free++
        return
      }
      waiting.delete(next)
      next()
    },
  }
}
