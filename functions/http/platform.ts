/** What Lambda says about a request beside the request: who sent it, its id, and how long it may take. */
import * as v from 'valibot'

const eventContext = v.object({ requestContext: v.object({ http: v.object({ sourceIp: v.string() }) }) })
const invocation = v.union([
  v.pipe(
    v.object({ context: v.object({ awsRequestId: v.string() }) }),
    v.transform(({ context }) => context.awsRequestId),
  ),
  v.pipe(
    v.object({ lambdaContext: v.object({ awsRequestId: v.string() }) }),
    v.transform(({ lambdaContext }) => lambdaContext.awsRequestId),
  ),
])

/** The address that opened the connection, as the function URL reports it. @param bindings Hono's `c.env` */
export function sourceAddress(bindings: unknown): string | undefined {
  const parsed = v.safeParse(eventContext, bindings)
  return parsed.success ? parsed.output.requestContext.http.sourceIp : undefined
}

/** Lambda's id of the invocation. @param bindings Hono's `c.env` */
export function invocationId(bindings: unknown): string | undefined {
  const parsed = v.safeParse(invocation, bindings)
  return parsed.success ? parsed.output : undefined
}

const textBody = v.object({ event: v.object({ body: v.string(), isBase64Encoded: v.literal(false) }) })

/** The body where Lambda made text of it, as it does for some content types. @param bindings Hono's `c.env` */
export function textOfBody(bindings: unknown): string | undefined {
  const parsed = v.safeParse(textBody, bindings)
  return parsed.success ? parsed.output.event.body : undefined
}

const timed = v.object({ context: v.object({ getRemainingTimeInMillis: v.function() }) })

/** How long the invocation may still take, ms. @param bindings Hono's `c.env` */
export function remainingTime(bindings: unknown): number | undefined {
  const parsed = v.safeParse(timed, bindings)
  return parsed.success ? Number(parsed.output.context.getRemainingTimeInMillis()) : undefined
}
