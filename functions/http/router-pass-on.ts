/**
 * Asks a unit on behalf of a caller, and hands its answer through as it comes. Only what is named here goes either way:
 * a client cannot make the router say anything else to a unit, neither a secret of the CDN nor an address of its own choice.
 */
import type { Context } from 'hono'
import * as v from 'valibot'
import { SchedulerError } from '../../core/errors.ts'
import { callerAddress } from './caller.ts'
import { endOf } from './deadline.ts'
import type { RouterParts } from './router-parts.ts'
import { CALLER_HEADER, PROOF_HEADER, proofOf } from './router-proof.ts'
import { sendBytes } from './sending.ts'
import { TimeLimit } from './time-limit.ts'

/** A request on its way to a unit. */
export interface Led {
  /** The unit's address: from the list or the table of placements, and never from the request. */
  unit: string
  /** When the unit must have begun its answer, ms since the epoch. */
  deadline: number
  /** What was read of the request's body, unpacked. */
  body?: Buffer
}

const requestHeaders = ['accept', 'codec-device', 'content-type', 'if-none-match', 'require-codec'] as const
/** `fetch` has unpacked the body already, and how long it is need not be known. */
const answerHeaders = [
  'content-type',
  'cache-control',
  'etag',
  'vary',
  'retry-after',
  'location',
  'allow',
  'x-has-next-page',
  'x-last-cursor',
  // What AO-Core answers say in headers.
  ...['ao-result', 'ao-types', 'assignment', 'block-height', 'codec-device', 'current', 'epoch', 'hash-chain', 'id'],
  ...['process', 'slot', 'timestamp', 'type', 'variant'],
] as const

/** The unit's address with path and query as asked. */
export function addressAt(unit: string, c: Context): string {
  const { pathname, search } = new URL(c.req.url)
  // A path begins with a slash, so that nothing in it, `//host` neither, can be taken for a part of the unit's address.
  return `${unit}${pathname}${search}`
}

type PassOnParts = Pick<RouterParts, 'passOn' | 'clock' | 'cdnSecrets' | 'lists'>

/** Fails with `unavailable` where the unit does not answer, `invalid-request` where routers would go on asking each other. */
export const createPassOn =
  (parts: PassOnParts) =>
  async (c: Context, { unit, deadline, body }: Led): Promise<Response> => {
    const { clock, lists } = parts
    refuseLoop(c)
    const limit = new TimeLimit(deadline - clock.now())
    const answer = await ask(
      addressAt(unit, c),
      {
        method: c.req.method,
        headers: headersFor(c, unit, parts),
        body: body ? new Uint8Array(body) : null,
        redirect: 'manual',
        signal: limit.signal,
      },
      clock,
    ).catch((cause: unknown) => {
      limit.clear()
      throw new SchedulerError('unavailable', 'The unit of this process does not answer; asking again is safe', {
        retryAfter: 2,
        cause,
      })
    })
    // It has begun in time: now it may take as long as there is.
    limit.set(endOf(c, clock.now()) - clock.now())
    const headers = picked(answer.headers, answerHeaders)
    // The unit may know no allow-list: what was judged here must be judged here again.
    if (lists.restricted) {
      headers.set('cache-control', 'no-store')
      headers.delete('etag')
    }
    const { body: bytes, status } = answer
    if (bytes === null) {
      limit.clear()
      return new Response(null, { status, headers })
    }
    return sendBytes(c, passed(bytes, limit), { status, headers, onCutOff: 'an answer of a unit was cut off' })
  }

function refuseLoop(c: Context): void {
  if (c.req.header(CALLER_HEADER) === undefined && c.req.header(PROOF_HEADER) === undefined) return
  throw new SchedulerError(
    'invalid-request',
    'A router has passed this request on already: its list of units names another router',
  )
}

function headersFor(c: Context, unit: string, { passOn: { secrets }, clock, cdnSecrets }: PassOnParts): Headers {
  const headers = picked(c.req.raw.headers, requestHeaders)
  // What came packed would be unpacked here only to be sent on.
  headers.set('accept-encoding', 'identity')
  const now = clock.now()
  const caller = callerAddress(c, { cdnSecrets }, now)
  // Without the secret it still tells other routers that this one was there.
  headers.set(CALLER_HEADER, caller)
  if (secrets)
    headers.set(PROOF_HEADER, proofOf(secrets, { method: c.req.method, url: addressAt(unit, c), caller }, now))
  return headers
}

const picked = (headers: Headers, names: readonly string[]): Headers =>
  new Headers(
    names.flatMap((name): [string, string][] => {
      const value = headers.get(name)
      return value === null ? [] : [[name, value]]
    }),
  )

/** Connections that were kept while the instance slept may have been closed by the unit: such a one is noticed when it is used. */
const closedConnection: ReadonlySet<unknown> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

/** Asks once more where the connection was closed before an answer: every request to a unit may be repeated. */
async function ask(url: string, init: RequestInit, clock: RouterParts['clock']): Promise<Response> {
  const begin = clock.now()
  try {
    return await fetch(url, init)
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined
    if (!(cause instanceof Error && 'code' in cause && closedConnection.has(cause.code))) throw error
    const answer = await fetch(url, init)
    return init.method === 'POST' && answer.status === 400 ? await ownSuccess(answer, begin) : answer
  }
}

/** How far the unit's clock may be behind the router's, ms. */
const CLOCK_SKEW_MS = 1_000

const scheduledAlready = v.object({ code: v.literal('already-scheduled'), id: v.string(), timestamp: v.number() })

/**
 * What a repeated post is refused for may be what its first attempt did: a unit with RETRY_WINDOW=0 refuses every repetition.
 * What was scheduled since the request began is its own success, and is answered as such.
 * @param begin when the first attempt began, ms
 */
async function ownSuccess(refusal: Response, begin: number): Promise<Response> {
  const text = await refusal.text()
  const { success, output } = v.safeParse(v.pipe(v.string(), v.parseJson(), scheduledAlready), text)
  if (success && output.timestamp >= begin - CLOCK_SKEW_MS) {
    return Response.json({ id: output.id, timestamp: output.timestamp }, { headers: { 'cache-control': 'no-store' } })
  }
  return new Response(text, refusal)
}

/** The body as it comes. Fails with `unavailable` where it breaks off. */
async function* passed(body: ReadableStream<Uint8Array>, limit: TimeLimit): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk
  } catch (cause) {
    throw new SchedulerError('unavailable', 'The unit of this process broke off its answer; asking again is safe', {
      retryAfter: 2,
      cause,
    })
  } finally {
    limit.clear()
  }
}
