/** An HTTP server that plays an outside service, and does what a test wants: answers, hangs, breaks off. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export interface OutsideRequest {
  method: string
  path: string
  search: string
  headers: IncomingMessage['headers']
  body: Buffer
}

export interface OutsideServer {
  url: string
  /** All requests so far. */
  requests: OutsideRequest[]
  answer: (request: OutsideRequest, response: ServerResponse) => void | Promise<void>
  close(): Promise<void>
}

export async function startOutsideServer(answer: OutsideServer['answer']): Promise<OutsideServer> {
  const http = createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const { pathname, search } = new URL(incoming.url ?? '/', 'http://outside')
      const { method = '', headers } = incoming
      const request = { method, path: pathname, search, headers, body: Buffer.concat(chunks) }
      server.requests.push(request)
      void server.answer(request, response)
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const address = http.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port')
  const server: OutsideServer = {
    url: `http://127.0.0.1:${address.port}`,
    requests: [],
    answer,
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve())
        http.closeAllConnections()
      }),
  }
  return server
}

export function send(
  response: ServerResponse,
  status: number,
  body: unknown = '',
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, headers)
  response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body))
}

/** An address where nobody listens. */
export async function deadUrl(): Promise<string> {
  const server = await startOutsideServer(() => {})
  await server.close()
  return server.url
}
