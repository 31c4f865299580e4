/**
 * A Hono app as a Lambda handler whose answer is streamed. hono's own adapter is deprecated for a package that does not exist
 * yet, sends streams without a byte, and answers nothing sensible to an event that is no request. This is the part of it that a
 * function URL needs.
 */
import type { Writable } from 'node:stream'
import type { Context, LambdaFunctionURLEvent } from 'aws-lambda'
import type { Hono } from 'hono'

/** What AWS's runtime client puts there. */
declare const awslambda: {
  streamifyResponse(
    handler: (event: LambdaFunctionURLEvent, stream: Writable, context: Context) => Promise<void>,
  ): unknown
  HttpResponseStream: {
    from(stream: Writable, head: { statusCode: number; headers: Record<string, string>; cookies: string[] }): Writable
  }
}

/** 204 promises the client that no byte follows, and here one always does. */
const NO_CONTENT = 204
const OK = 200

/** @param afterAnswer called when the answer has been sent, whatever became of it */
export const streamed = (app: Hono, afterAnswer: () => Promise<void>): unknown =>
  awslambda.streamifyResponse(async (event, stream, context) => {
    // Sockets that are kept for the next request would keep this one from ending.
    context.callbackWaitsForEmptyEventLoop = false
    try {
      const response = await answer(app, event, context)
      const { status, headers } = response
      const statusCode = status === NO_CONTENT ? OK : status
      const head = { statusCode, headers: Object.fromEntries(headers), cookies: [] }
      await send(response.body, awslambda.HttpResponseStream.from(stream, head))
    } finally {
      await afterAnswer()
    }
  })

/**
 * Sends a body as it comes, and a line feed where there is none: behind the function URLs of some accounts a stream without a
 * byte ends only with the function's time-out. A URL that streams streams every answer, so that concerns HEAD and 304 too;
 * for these HTTP has the platform drop the byte.
 *
 * When a body fails midway the stream is neither ended nor destroyed: the failure goes up to AWS's runtime client. Function URLs
 * end such an answer as if it were whole, so what may be kept must be complete before it comes here (`sending.ts`). (Were the stream
 * destroyed, the client would end the whole instance, with all other requests in it.)
 */
async function send(body: ReadableStream<Uint8Array> | null, stream: Writable): Promise<void> {
  let empty = true
  for await (const chunk of body ?? []) {
    if (chunk.length === 0) continue
    empty = false
    if (!stream.write(chunk)) await drained(stream)
  }
  if (empty) stream.write('\n')
  stream.end()
}

/** Resolves when the stream takes more; fails when it is closed instead. By hand: an abort signal costs more than all else that a piece does. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      stream.off('drain', settleDrained).off('close', settleClosed).off('error', settle)
      if (error) reject(error)
      else resolve()
    }
    const settleDrained = () => settle()
    const settleClosed = () => settle(new Error('the connection was closed before the answer was sent'))
    if (stream.destroyed) return settleClosed()
    stream.on('drain', settleDrained).on('close', settleClosed).on('error', settle)
  })
}

async function answer(app: Hono, event: LambdaFunctionURLEvent, context: Context): Promise<Response> {
  let request: Request
  try {
    request = requestOf(event)
  } catch {
    return unreadable()
  }
  return app.fetch(request, { event, requestContext: event.requestContext, context })
}

/** A method that fetch knows of and does not allow (TRACE), or an event that is no request at all. */
const unreadable = (): Response =>
  Response.json(
    { error: 'The request cannot be read', code: 'invalid-request' },
    { status: 400, headers: { 'access-control-allow-origin': '*', 'cache-control': 'no-store' } },
  )

function requestOf(event: LambdaFunctionURLEvent): Request {
  const { requestContext, rawPath, rawQueryString, headers, body, isBase64Encoded } = event
  const { method } = requestContext.http
  // Routes go by path and query alone; what the caller says of the host may be anything.
  const url = new URL('https://localhost')
  url.pathname = rawPath
  url.search = rawQueryString
  // Callers do send a body with GET, which a Request does not take and no route reads.
  const hasBody = body !== undefined && method !== 'GET' && method !== 'HEAD'
  return new Request(url, {
    method,
    headers: Object.entries(headers).flatMap(readableHeader),
    ...(hasBody && { body: isBase64Encoded ? Buffer.from(body, 'base64') : body }),
  })
}

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
const BYTES = /^[\t\x20-\x7e\x80-\xff]*$/

/** None where it holds what a header cannot, such as text beyond Latin-1: nothing here depends on such a one. */
const readableHeader = ([name, value]: [string, string | undefined]): [string, string][] =>
  value !== undefined && TOKEN.test(name) && BYTES.test(value) ? [[name, value]] : []
