/** Ports of 127.0.0.1, for servers that want to be told theirs, and for those that find one. */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { createServer } from 'node:net'

/**
 * Below the ports that systems give to whoever asks for any: until the port is used, and while what uses it is started again, none
 * of the many servers and connections that are opened meanwhile can get it.
 */
const range = { from: 12_000, to: 32_000 }

const given = new Set<number>()

/** Never the same twice. Another program may still take it before it is used; whoever listens on it must fail loudly then. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(range.from, range.to)
    if (given.has(port)) continue
    given.add(port)
    if (await isFree(port, '127.0.0.1')) return port
  }
}

/** Whether nobody listens there. */
export const isFree = async (port: number, host: string): Promise<boolean> => {
  const server = createServer().listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false
    throw error
  }
  server.close()
  await once(server, 'close')
  return true
}

/** The port that a listening TCP server has. */
export const portOf = (server: { address(): ReturnType<ReturnType<typeof createServer>['address']> }): number => {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server does not listen on a TCP port')
  return address.port
}

/** Lets an HTTP server listen on 127.0.0.1 (0: on any free port), for clients that keep their connections. */
export const listenLocally = async (server: Server, port = 0): Promise<{ url: string; port: number }> => {
  server.keepAliveTimeout = 65_000
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const at = portOf(server)
  return { url: `http://127.0.0.1:${at}`, port: at }
}
