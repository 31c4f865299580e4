/**
 * Stands in for the part of AWS's runtime client that is compiled (it builds curl when it is installed): the calls of
 * the runtime API that are not streamed. Loaded into each instance before the runtime client itself.
 */
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import Module from 'node:module'

const [host = '', port = ''] = (process.env.AWS_LAMBDA_RUNTIME_API ?? '').split(':')
const agent = new Agent({ keepAlive: true })

interface Answer {
  bodyJson: string
  headers: IncomingHttpHeaders
}

const call = (method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sized = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
    const url = { host, port, method, path: `/2018-06-01/runtime${path}`, agent, headers: { ...headers, ...sized } }
    const sent = request(url, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve({ bodyJson: Buffer.concat(chunks).toString(), headers: response.headers }))
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })

/** Without the host there is nothing to do any more, and nobody to tell. */
const exit = (): never => process.exit(1)

/** Answers that are on their way: the compiled client sends them before it returns, so before the next event is asked for. */
const sending = new Set<Promise<unknown>>()
const post = (path: string, body: string, headers?: Record<string, string>): void => {
  const sent = call('POST', path, body, { 'content-type': 'application/json', ...headers }).catch(exit)
  sending.add(sent)
  void sent.finally(() => sending.delete(sent))
}

const client = {
  initializeClient: () => {},
  async next(): Promise<Answer> {
    await Promise.all(sending)
    return call('GET', '/invocation/next').catch(exit)
  },
  done: (id: string, body: string) => post(`/invocation/${id}/response`, body),
  error: (id: string, body: string) =>
    post(`/invocation/${id}/error`, body, { 'lambda-runtime-function-error-type': 'Unhandled' }),
}

/** What of Node's module loader is used here and is not in its types. */
interface Loader {
  _resolveFilename(request: string, ...rest: unknown[]): string
  _cache: Record<string, { exports: unknown; loaded: boolean }>
}

const isLoader = (value: unknown): value is Loader =>
  typeof value === 'function' && '_resolveFilename' in value && '_cache' in value

const name = 'rapid-client.node'
const loader: unknown = Module
if (!isLoader(loader)) throw new Error('This Node keeps its modules otherwise than the runtime client needs')
const resolve = loader._resolveFilename
loader._resolveFilename = (wanted, ...rest) => (wanted.endsWith(name) ? name : resolve.call(loader, wanted, ...rest))
loader._cache[name] = Object.assign(new Module(name), { exports: client, loaded: true })
