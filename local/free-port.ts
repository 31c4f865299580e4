/** Ports of 127.0.0.1, for servers that want to be told theirs, and for those that find one. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import { createServer } from 'node:net'

/** Somebody else may take the port before it is used; whoever listens on it must fail loudly then. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  server.close()
  await once(server, 'close')
  return port
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
