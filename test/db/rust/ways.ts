/** Ways to a Postgres that are not the direct one: a connection that can be cut, and one that is secured. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { portOf } from '../../../local/free-port.ts'

export interface Way {
  /** The address of Postgres, by this way. */
  address: string
  /** Ends all connections, and takes no more. */
  cut(): Promise<void>
}

const data = (name: string) => fileURLToPath(new URL(`../../data/migration/${name}`, import.meta.url))

/** The authority that signed the certificate of the secured way: itself. */
export const authority = data('localhost-cert.pem')

export const openWay = (address: string): Promise<Way> =>
  listen(address, (socket, upstream) => {
    socket.pipe(upstream).pipe(socket)
  })

/** Speaks TLS as Postgres does, with a certificate for localhost and 127.0.0.1 that nobody knows. */
export const openSecuredWay = (address: string): Promise<Way> =>
  listen(address, (socket, upstream) => {
    socket.once('data', (request: Buffer) => {
      // SSLRequest: https://www.postgresql.org/docs/current/protocol-message-formats.html
      if (request.length !== 8 || request.readUInt32BE(4) !== 80877103) {
        socket.destroy()
        return
      }
      socket.pause()
      socket.write('S')
      const key = readFileSync(data('localhost-key.pem'))
      const secured = new TLSSocket(socket, { isServer: true, cert: readFileSync(authority), key })
      secured.on('error', () => undefined)
      secured.pipe(upstream).pipe(secured)
    })
  })

async function listen(address: string, join: (socket: Socket, upstream: Socket) => void): Promise<Way> {
  const { port: target } = new URL(address)
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    const upstream = connect({ host: '127.0.0.1', port: Number(target) })
    for (const end of [socket, upstream]) {
      sockets.add(end)
      end.on('error', () => undefined)
      end.on('close', () => sockets.delete(end))
    }
    join(socket, upstream)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: address.replace(`:${target}/`, `:${portOf(server)}/`),
    async cut() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
