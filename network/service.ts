/** Requests to outside services over HTTP: bounded in time and in bytes. A failure that may pass is retried. */
import pRetry, { AbortError } from 'p-retry'
import type { Agent } from 'undici'
import * as v from 'valibot'
import { LARGEST_ITEM_BYTES } from '../core/ans104/data-item.ts'
import { type ErrorDetails, hasCode, SchedulerError } from '../core/errors.ts'

/** A service, and how long its answers may take. */
export interface Service {
  /** Subject of the sentences that describe a failure: "The gateway". */
  name: string
  /** All attempts together, ms. */
  deadlineMs: number
  /** One attempt, ms. */
  attemptMs: number
  /** Number of retries that the deadline allows at most; 4 by default. */
  retries?: number
  /**
   * The service is asked about items, whose tags come back as headers or as JSON. Its answers may be as large as the largest item makes
   * them. A larger one, or one that is withheld, concerns the item: it fails with `unreadable`. Otherwise such an answer is `unavailable`.
   */
  ofItems?: boolean
}

/**
 * The largest answer about an item, as headers or as JSON. A tag takes two bytes of an item or more, and one without name and value
 * becomes `{"name":"","value":""},`, 23 bytes. A control character becomes six. Both are below this factor.
 */
const ITEM_ANSWER_BYTES = 13 * LARGEST_ITEM_BYTES
/** The largest JSON of an answer about anything else, bytes. */
const MAX_JSON_BYTES = 5_000_000
const RETRIES = 4
/** Unavailable For Legal Reasons: a gateway blocks the item. */
export const WITHHELD = 451
/** `retryAfter` where the service names none, seconds. */
const RETRY_AFTER = 2
const MAX_RETRY_AFTER = 60

/**
 * Runs an attempt until it succeeds, the deadline passes or it fails for good.
 * Fails with the attempt's failure; with `unavailable` where the service is the reason.
 */
export async function ask<T>(service: Service, attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const deadline = timeout(service.deadlineMs)
  try {
    return await pRetry(() => attempt(AbortSignal.any([deadline, timeout(service.attemptMs)])), {
      retries: service.retries ?? RETRIES,
      minTimeout: 50,
      maxTimeout: 1000,
      randomize: true,
      maxRetryTime: service.deadlineMs,
      // A time that the service names is for the caller to wait.
      shouldRetry: ({ error }) =>
        hasCode(error, 'unavailable') && (error.details.retryAfter ?? 0) <= 1 && !deadline.aborted,
    })
  } catch (error) {
    if (!hasCode(error, 'unavailable') || error.details.retryAfter !== undefined) throw error
    throw new SchedulerError('unavailable', error.message, { retryAfter: RETRY_AFTER, cause: error.cause })
  }
}

export interface RequestOptions {
  method?: string
  headers?: Record<string, string>
  body?: string
  redirect?: 'follow' | 'manual'
  signal: AbortSignal
}

/**
 * A request of an attempt. Fails with `unavailable` when there is no answer, and as `Service.ofItems` says when the headers are too
 * large. It may be sent twice.
 */
export async function request(service: Service, url: URL, options: RequestOptions): Promise<Response> {
  try {
    return await fetch(url, options)
  } catch (cause) {
    if (!isOverflow(cause)) throw unanswered(service, cause)
    if (!service.ofItems) throw tooLarge(service, { cause })
  }
  try {
    return await fetchLarge(url, options)
  } catch (cause) {
    throw isOverflow(cause) ? tooLarge(service, { cause }) : unanswered(service, cause)
  }
}

/** Node's own `fetch` reads 16 KB of headers. Few answers have more, so half a megabyte of client is loaded for these alone. */
async function fetchLarge(url: URL, options: RequestOptions): Promise<Response> {
  const { default: undici } = await import('undici')
  dispatcher ??= new undici.Agent({ maxHeaderSize: ITEM_ANSWER_BYTES })
  return undici.fetch(url, { ...options, dispatcher })
}
let dispatcher: Agent | undefined

const headersOverflow = v.object({ cause: v.object({ code: v.literal('UND_ERR_HEADERS_OVERFLOW') }) })
const isOverflow = (error: unknown): boolean => v.is(headersOverflow, error)

/** The answer's body as JSON of this shape. Fails with `unavailable`, and as `Service.ofItems` says when it is too large. */
export async function json<T>(
  service: Service,
  response: Response,
  schema: v.BaseSchema<unknown, T, v.BaseIssue<unknown>>,
): Promise<T> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body(service, response)) {
    bytes += chunk.length
    if (bytes > (service.ofItems ? ITEM_ANSWER_BYTES : MAX_JSON_BYTES)) throw tooLarge(service)
    chunks.push(chunk)
  }
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), Buffer.concat(chunks).toString('utf8'))
  if (parsed.success) return parsed.output
  throw unavailable(service, 'answers something that it should not', { cause: new Error(v.summarize(parsed.issues)) })
}

/** The answer's bytes as they come. Fails with `unavailable` when they break off. Ending early ends the transfer. */
export async function* body(service: Service, response: Response): AsyncGenerator<Uint8Array, void, undefined> {
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = response.body?.getReader()
  if (!reader) return
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw unanswered(service, cause)
      })
      if (done) return
      yield value
    }
  } finally {
    await abandon(() => reader.cancel())
  }
}

/** Drops the body of an answer, which frees its connection. */
export const discard = (response: Response): Promise<void> => abandon(async () => response.body?.cancel())

/** The failure that a status stands for which does not answer the question. Drops the body. */
export async function trouble(service: Service, response: Response): Promise<Error> {
  await discard(response)
  if (service.ofItems && response.status === WITHHELD)
    return unreadable(service, `withholds it with status ${WITHHELD}`)
  const error = unavailable(service, `answers with status ${response.status}`, retryAfterOf(response))
  const mayPass = response.status >= 500 || [408, 425, 429].includes(response.status)
  return mayPass ? error : final(error)
}

/** A failure that ends the attempts. */
export const final = (error: SchedulerError): Error => new AbortError(error)

/** The `Retry-After` of an answer in ms, if it has one: seconds or a date. */
export function retryAfterMs(response: Response): number | undefined {
  const text = response.headers.get('retry-after')?.trim()
  if (!text) return undefined
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}

/** An address below a base that may have a path and a trailing slash. `path` must hold nothing that was not checked. */
export function below(base: string, path: string): URL {
  const url = new URL(base)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path}`
  return url
}

function retryAfterOf(response: Response): ErrorDetails {
  const ms = retryAfterMs(response)
  return ms === undefined ? {} : { retryAfter: Math.min(MAX_RETRY_AFTER, Math.max(1, Math.ceil(ms / 1000))) }
}

/** Whole milliseconds are all that a timer takes. */
const timeout = (ms: number) => AbortSignal.timeout(Math.max(1, Math.ceil(ms)))

const unavailable = (service: Service, what: string, details: ErrorDetails = {}) =>
  new SchedulerError('unavailable', `${service.name} ${what}`, details)

const unreadable = (service: Service, what: string, details: ErrorDetails = {}) =>
  new SchedulerError('unreadable', `${service.name} ${what}`, details)

/** Asking again does not make the answer smaller. */
const tooLarge = (service: Service, details: ErrorDetails = {}): Error =>
  service.ofItems
    ? unreadable(service, `answers with more than ${ITEM_ANSWER_BYTES} bytes`, details)
    : final(unavailable(service, 'answers with more than is read of it', details))

const unanswered = (service: Service, cause: unknown) =>
  unavailable(
    service,
    cause instanceof DOMException && cause.name === 'TimeoutError' ? 'does not answer in time' : 'does not answer',
    { cause },
  )

/** A failure to end a transfer changes nothing. */
async function abandon(cancel: () => Promise<void>): Promise<void> {
  await cancel().catch(() => {})
}
