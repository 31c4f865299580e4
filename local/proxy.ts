/** Stands between the functions and a local service, to slow the calls down or to see what they are. */
import { Agent, createServer, type IncomingMessage, request } from 'node:http'
import { listenLocally } from './free-port.ts'

export interface LocalProxy {
  url: string
  port: number
  stop(): Promise<void>
}

export interface ProxyOptions {
  /** Each call is passed on when this has resolved. */
  before?: (() => Promise<unknown>) | undefined
  /** Sees each call just before it is passed on, and asks for its answer; may listen to their bodies, and takes nothing from them. */
  onRequest?:
    | ((request: IncomingMessage, onAnswer: (listen: (answer: IncomingMessage) => void) => void) => void)
    | undefined
}

/** Connections are kept on both sides. */
export const startProxy = async (target: string, { before, onRequest }: ProxyOptions): Promise<LocalProxy> => {
  const { hostname, port } = new URL(target)
  const agent = new Agent({ keepAlive: true })
  const server = createServer(async (received, response) => {
    if (before) await before()
    const { method, url: path, headers } = received
    const listeners: ((answer: IncomingMessage) => void)[] = []
    const passed = request({ hostname, port, method, path, headers, agent }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      for (const listen of listeners) listen(answer)
      answer.pipe(response)
      answer.once('error', () => response.destroy())
    })
    passed.once('error', () => response.destroy())
    received.once('error', () => passed.destroy())
    onRequest?.(received, (listen) => listeners.push(listen))
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
