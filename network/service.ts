/** Asking an outside service over HTTP: bounded in time and in bytes, and what fails for a moment is asked again. */
import pRetry, { AbortError } from 'p-retry'
import * as v from 'valibot'
import { type ErrorDetails, hasCode, SchedulerError } from '../core/errors.ts'

/** Who is asked, and how long it may take. */
export interface Service {
  /** Begins the sentences that say what is wrong with it: "The gateway". */
  name: string
  /** All attempts together, ms. */
  deadlineMs: number
  /** One attempt, ms. */
  attemptMs: number
  /** How often it is asked again, as long as the deadline allows; 4 unless said otherwise. */
  retries?: number
}

/** JSON of an outside service is held in memory: more than this many bytes of it are not read. */
const MAX_JSON_BYTES = 5_000_000
const RETRIES = 4
/** What a caller is told when the service itself says nothing, seconds. */
const RETRY_AFTER = 2
const MAX_RETRY_AFTER = 60

/**
 * Runs an attempt until it succeeds, the deadline passes or the failure is none that a repetition helps with.
 * Fails with what the attempt failed with; with `unavailable` where the service is the reason.
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
      // Where the service names a time to come back, only the caller can wait that long.
      shouldRetry: ({ error }) =>
        hasCode(error, 'unavailable') && (error.details.retryAfter ?? 0) <= 1 && !deadline.aborted,
    })
  } catch (error) {
    if (!hasCode(error, 'unavailable') || error.details.retryAfter !== undefined) throw error
    throw new SchedulerError('unavailable', error.message, { retryAfter: RETRY_AFTER, cause: error.cause })
  }
}

/** A request of an attempt. Fails with `unavailable` when there is no answer. */
export async function request(
  service: Service,
  url: URL,
  init: RequestInit & { signal: AbortSignal },
): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (cause) {
    throw unanswered(service, cause)
  }
}

/** The answer's body as JSON of this shape. Fails with `unavailable`. */
export async function json<T>(
  service: Service,
  response: Response,
  schema: v.BaseSchema<unknown, T, v.BaseIssue<unknown>>,
): Promise<T> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body(service, response)) {
    bytes += chunk.length
    if (bytes > MAX_JSON_BYTES) throw final(unavailable(service, `answers with more than ${MAX_JSON_BYTES} bytes`))
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

/** Lets go of an answer whose body is not wanted, so that its connection is not kept waiting. */
export const discard = (response: Response): Promise<void> => abandon(async () => response.body?.cancel())

/** A status that says nothing about what was asked: the service's trouble. Lets go of the body. */
export async function trouble(service: Service, response: Response): Promise<Error> {
  await discard(response)
  const error = unavailable(service, `answers with status ${response.status}`, retryAfterOf(response))
  const mayPass = response.status >= 500 || [408, 425, 429].includes(response.status)
  return mayPass ? error : final(error)
}

/** A failure that is not to be tried again. */
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

const unanswered = (service: Service, cause: unknown) =>
  unavailable(
    service,
    cause instanceof DOMException && cause.name === 'TimeoutError' ? 'does not answer in time' : 'does not answer',
    { cause },
  )

/** What goes wrong with a transfer that nobody wants any more is of no interest. */
async function abandon(cancel: () => Promise<void>): Promise<void> {
  await cancel().catch(() => {})
}
