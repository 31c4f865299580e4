/** Puts AWS's latencies in front of a local service, for measurements: here its answers come faster than they will there. */
import { Agent, createServer, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { listenLocally } from './free-port.ts'

export interface LatencyProxy {
  url: string
  port: number
  stop(): Promise<void>
}

/** One call in a hundred takes three times as long; the others vary by a fifth. */
export const latencyOf = (ms: number, chance: number, jitter: number): number =>
  chance < 0.01 ? ms * 3 : ms * (0.9 + jitter / 5)

/** Passes each call on after a delay around `ms`. Connections are kept on both sides. */
export const startLatencyProxy = async (target: string, ms: number): Promise<LatencyProxy> => {
  const { hostname, port } = new URL(target)
  const agent = new Agent({ keepAlive: true })
  const server = createServer(async (received, response) => {
    await sleep(latencyOf(ms, Math.random(), Math.random()))
    const { method, url: path, headers } = received
    const passed = request({ hostname, port, method, path, headers, agent }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
      answer.once('error', () => response.destroy())
    })
    passed.once('error', () => response.destroy())
    received.once('error', () => passed.destroy())
    received.pipe(passed)
  })
  return {
    ...(await listenLocally(server)),
    async stop() {
      server.closeAllConnections()
      server.close()
      agent.destroy()
    },
  }
}
