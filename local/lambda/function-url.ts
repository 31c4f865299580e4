/**
 * The HTTP front of a function, as a function URL is on AWS: same events, same limits, same answers where the function has none.
 *
 * With `awsFaults` also what was seen of function URLs that stream, and of CloudFront in front of them:
 * - a streamed answer without a byte has its head, and never ends;
 * - an answer that fails midway ends as if it were whole;
 * - a `Content-Encoding` is unpacked and taken off;
 * - CloudFront answers 403 to a GET with a body.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Transform, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { createBrotliDecompress, createUnzip, createZstdDecompress } from 'node:zlib'
import { portOf } from '../free-port.ts'
import { toEvent } from './event.ts'
import type { LambdaFunction } from './function.ts'
import type { Outcome } from './invocation.ts'
import { preludeType, readPrelude } from './prelude.ts'

export interface FunctionUrl {
  url: string
  port: number
  /** Until it is opened every request is answered 503. */
  open(): void
  /** Takes no more requests; those that run have some seconds to be answered. */
  stop(): Promise<void>
}

export interface FunctionUrlOptions {
  lambda: Pick<LambdaFunction, 'invoke'>
  host?: string
  port?: number
  /** What went wrong with a request, for the log. */
  onFailure(message: string): void
  awsFaults?: boolean
}

const MB = 1024 * 1024
/** Lambda's limits. The event counts as JSON, so a binary body may have about 4.5 MB. */
const limits = { event: 6 * MB, streamed: 200 * MB }
/** A body beyond this is not even read to its end. */
const patienceBytes = 64 * MB
/** How much of an answer may wait for a slow client before the function is held up. */
const backlogBytes = 6 * MB

/** How long requests that run may take at a stop, ms. */
const graceMs = 5_000

const tooLarge = {
  status: 413,
  message: `Request must be smaller than ${limits.event} bytes for the InvokeFunction operation`,
}
const internal = { status: 502, message: 'Internal Server Error' }

export const openFunctionUrl = async (options: FunctionUrlOptions): Promise<FunctionUrl> => {
  const { lambda, host = '127.0.0.1', port = 0, onFailure, awsFaults = false } = options
  let opened = false
  const answering = new Set<ServerResponse>()

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request)
    if (!opened) return refuse(response, { status: 503, message: 'The stack is starting', retryAfter: 1 })
    if (body === 'too large') return refuse(response, tooLarge)
    if (awsFaults && body.length > 0 && (request.method === 'GET' || request.method === 'HEAD')) {
      response.writeHead(403, { 'content-type': 'text/html' })
      response.end('<HTML><BODY>The request could not be satisfied. Bad request.</BODY></HTML>')
      return
    }
    const event = JSON.stringify(
      toEvent({
        method: request.method ?? 'GET',
        target: request.url ?? '/',
        headers: request.headers,
        body,
        address: (request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
      }),
    )
    if (Buffer.byteLength(event) > limits.event) return refuse(response, tooLarge)
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const outcome = await lambda.invoke(event, gone.signal)
    await answer(outcome, response, { onFailure, awsFaults })
  }

  const server = createServer({ maxHeaderSize: 32 * 1024 }, (request, response) => {
    answering.add(response)
    response.once('close', () => answering.delete(response))
    // An error of the client's connection ends the request, and concerns nobody else.
    request.on('error', () => {})
    response.on('error', () => {})
    serve(request, response).catch((error: unknown) => {
      if (response.destroyed) return
      onFailure(String(error))
      refuse(response, internal)
    })
  })
  // Idle connections of clients are kept, so that none is closed just as its next request leaves.
  server.keepAliveTimeout = 65_000
  refuseMalformed(server)
  server.listen(port, host)
  await once(server, 'listening')
  const at = portOf(server)
  return {
    url: `http://127.0.0.1:${at}`,
    port: at,
    open() {
      opened = true
    },
    async stop() {
      server.close()
      const closed = [...answering].map((response) => new Promise((resolve) => response.once('close', resolve)))
      await Promise.race([Promise.all(closed), sleep(graceMs, undefined, { ref: false })])
      server.closeAllConnections()
    },
  }
}

/** What is no HTTP at all gets an answer too. */
const refuseMalformed = (server: Server): void => {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    const overflow = error.code === 'HPE_HEADER_OVERFLOW'
    const body = JSON.stringify({ Message: overflow ? 'Request Header Fields Too Large' : 'Bad Request' })
    socket.end(
      `HTTP/1.1 ${overflow ? '431 Request Header Fields Too Large' : '400 Bad Request'}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    )
  })
}

/** Reads what is too large to its end as well, so that the client reads its answer and may use the connection again. */
const bodyOf = async (request: IncomingMessage): Promise<Buffer | 'too large'> => {
  let chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes <= limits.event) chunks.push(chunk)
    else chunks = []
    if (bytes > patienceBytes) {
      request.destroy()
      break
    }
  }
  return bytes > limits.event ? 'too large' : Buffer.concat(chunks)
}

interface Refusal {
  status: number
  message: string
  /** s */
  retryAfter?: number
}

/**
 * The platform's own answers, with the CORS headers that CloudFront adds (infra/sst/cdn.ts). Where an answer has begun, only cutting it
 * tells that it is not whole.
 */
const refuse = (response: ServerResponse, { status, message, retryAfter }: Refusal): void => {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const headers: Record<string, string> = { 'content-type': 'application/json', 'access-control-allow-origin': '*' }
  if (retryAfter !== undefined) headers['retry-after'] = String(retryAfter)
  response.writeHead(status, headers)
  response.end(JSON.stringify({ Message: message }))
}

type Behaviour = Required<Pick<FunctionUrlOptions, 'onFailure' | 'awsFaults'>>

const answer = async (outcome: Outcome, response: ServerResponse, behaviour: Behaviour): Promise<void> => {
  const { onFailure } = behaviour
  switch (outcome.kind) {
    case 'throttled':
      return refuse(response, { status: 429, message: 'Rate Exceeded.', retryAfter: 1 })
    case 'failed':
      onFailure(`${outcome.errorType}: ${outcome.message}`)
      return refuse(response, internal)
    case 'answered':
      onFailure('The handler returned its answer, but the function URL streams')
      return refuse(response, internal)
    case 'streaming':
      return stream(outcome.body, outcome.contentType, response, behaviour)
  }
}

/** Headers that are the connection's, not the answer's. */
const ofTheConnection = new Set(['connection', 'keep-alive', 'transfer-encoding'])

const stream = async (
  body: IncomingMessage,
  contentType: string,
  response: ServerResponse,
  { onFailure, awsFaults }: Behaviour,
): Promise<void> => {
  const reader = contentType === preludeType ? readPrelude() : undefined
  /** Where the bytes go: the answer, or what unpacks them on their way there. */
  let sink: ServerResponse | Transform | undefined
  let sent = 0
  let saysLength = false
  const begin = (status: number, headers: Record<string, string | string[]>): ServerResponse | Transform => {
    const kept = Object.entries(headers).filter(([name]) => !ofTheConnection.has(name.toLowerCase()))
    const decoder = awsFaults ? decoderOf(headers) : undefined
    const passed = decoder ? kept.filter(([name]) => !ofTheCoding.has(name.toLowerCase())) : kept
    saysLength = passed.some(([name]) => name.toLowerCase() === 'content-length')
    response.writeHead(status, Object.fromEntries(passed))
    decoder?.pipe(response)
    // Bytes that cannot be unpacked end the answer.
    decoder?.on('error', () => response.destroy())
    return decoder ?? response
  }
  try {
    for await (const chunk of body) {
      let bytes: Buffer = chunk
      if (!sink && reader) {
        const taken = reader.take(chunk)
        if (!taken) continue
        const { statusCode, headers, cookies } = taken.prelude
        sink = begin(statusCode, cookies.length > 0 ? { ...headers, 'set-cookie': cookies } : headers)
        bytes = taken.rest
        if (bytes.length === 0) response.flushHeaders()
      }
      // A body without a prelude may also begin late: then an error before it still has a status of its own.
      else sink ??= begin(200, { 'content-type': contentType })
      if (bytes.length === 0) continue
      sent += bytes.length
      if (sent > limits.streamed) throw new Error('The answer is larger than 200 MB')
      // A client that has gone: the function finishes all the same, as on Lambda.
      if (response.destroyed) continue
      sink.write(bytes)
      if (sink.writableLength > backlogBytes) await drained(sink)
    }
    const error = body.trailers['lambda-runtime-function-error-type']
    if (error !== undefined) throw new Error(`The function failed while it answered: ${error}`)
    if (!sink) throw new Error('The function answered nothing')
    if (sent > 0 || !awsFaults) sink.end()
    else onFailure('The streamed answer has no byte, and does not end')
  } catch (error) {
    body.resume()
    onFailure(String(error))
    // Where its length was said, too few bytes show all the same.
    if (awsFaults && sink && !saysLength) sink.end()
    else refuse(response, internal)
  }
}

const ofTheCoding = new Set(['content-encoding', 'content-length'])

const decoderOf = (headers: Record<string, string | string[]>): Transform | undefined => {
  const [, coding] = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-encoding') ?? []
  switch (coding) {
    case 'gzip':
    case 'deflate':
      return createUnzip()
    case 'br':
      return createBrotliDecompress()
    case 'zstd':
      return createZstdDecompress()
    default:
      return undefined
  }
}

const drained = (response: Writable): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
