/**
 * A Hono app as a Lambda handler whose answer is streamed. hono's own adapter (deprecated for a package that does not exist
 * yet) ends an answer that failed midway as if it were whole, and sends nothing sensible for an event that is no request;
 * so this is the part of it that a function URL needs, and a failure after the head cuts the answer.
 */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Context, LambdaFunctionURLEvent } from 'aws-lambda'
import type { Hono } from 'hono'

/** What AWS's runtime client puts there. */
declare const awslambda: {
  streamifyResponse(
    handler: (event: LambdaFunctionURLEvent, stream: NodeJS.WritableStream, context: Context) => Promise<void>,
  ): unknown
  HttpResponseStream: {
    from(
      stream: NodeJS.WritableStream,
      head: { statusCode: number; headers: Record<string, string>; cookies: string[] },
    ): NodeJS.WritableStream
  }
}

/** @param afterAnswer called when the answer has been sent, whatever became of it */
export const streamed = (app: Hono, afterAnswer: () => Promise<void>): unknown =>
  awslambda.streamifyResponse(async (event, stream, context) => {
    // Sockets that are kept for the next request would keep this one from ending.
    context.callbackWaitsForEmptyEventLoop = false
    try {
      const { requestContext } = event
      const response = await app.fetch(requestOf(event), { event, requestContext, context })
      const { status: statusCode, headers } = response
      const head = { statusCode, headers: Object.fromEntries(headers), cookies: [] }
      const body = awslambda.HttpResponseStream.from(stream, head)
      if (response.body) await pipeline(Readable.fromWeb(response.body), body)
      else {
        // Nothing is sent, the head neither, until something is written.
        body.write('')
        body.end()
      }
    } finally {
      await afterAnswer()
    }
  })

function requestOf({
  requestContext,
  rawPath,
  rawQueryString,
  headers,
  body,
  isBase64Encoded,
}: LambdaFunctionURLEvent) {
  const url = new URL(`https://${requestContext.domainName}${rawPath}`)
  url.search = rawQueryString
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as [string, string]],
  )
  return new Request(url, {
    method: requestContext.http.method,
    headers: entries,
    ...(body !== undefined && { body: isBase64Encoded ? Buffer.from(body, 'base64') : body }),
  })
}
