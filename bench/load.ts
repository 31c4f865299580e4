/** A closed loop of clients over HTTP, as light as Node has it: what is measured is the unit, not the client. */
import { Agent, type IncomingHttpHeaders, request } from 'node:http'

export interface Answer {
  status: number
  headers?: IncomingHttpHeaders
  body: Buffer
}

export interface Measured {
  perSecond: number
  /** ms */
  p50: number
  p99: number
  max: number
  /** Answers with another status than the one expected, by status. */
  refused: Map<number, number>
  bytes: number
}

export interface Request {
  method?: 'GET' | 'POST'
  path: string
  body?: Buffer
}

/** What the clients of ao send (Node's `fetch`): a unit may answer otherwise without it. */
export const ofClients = { accept: '*/*', 'accept-encoding': 'gzip, deflate', 'user-agent': 'node' }

export class Client {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 256 })
  private readonly url: URL

  constructor(url: string) {
    this.url = new URL(url)
  }

  send({ method = 'GET', path, body }: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = {
        ...ofClients,
        ...(body && { 'content-type': 'application/octet-stream', 'content-length': body.length }),
      }
      const sent = request(
        { host: this.url.hostname, port: this.url.port, method, path, headers, agent: this.agent },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
          )
          response.on('error', reject)
        },
      )
      sent.on('error', reject)
      sent.end(body)
    })
  }

  /** Sends all requests, `clients` of them at once, and says how long they took. */
  run(requests: readonly Request[], clients: number, expected = 200): Promise<Measured> {
    return measure(requests, clients, (one) => this.send(one), expected)
  }

  close(): void {
    this.agent.destroy()
  }
}

/** A closed loop: each of the clients sends its next request when it has its answer. */
export async function measure(
  requests: readonly Request[],
  clients: number,
  send: (request: Request) => Promise<Answer>,
  expected = 200,
): Promise<Measured> {
  const latencies: number[] = []
  const refused = new Map<number, number>()
  let bytes = 0
  let next = 0
  const begin = performance.now()
  const client = async () => {
    for (let one = requests[next++]; one; one = requests[next++]) {
      const start = performance.now()
      const { status, body } = await send(one)
      latencies.push(performance.now() - start)
      bytes += body.length
      if (status !== expected) refused.set(status, (refused.get(status) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  const seconds = (performance.now() - begin) / 1000
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0
  return { perSecond: latencies.length / seconds, p50: at(0.5), p99: at(0.99), max: at(1), refused, bytes }
}
