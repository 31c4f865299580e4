/**
 * How a body goes out. An answer that may be kept is complete before its head: a cache keeps for a year what it was told is
 * immutable, and a function URL ends an answer that failed midway as if it were whole. Only `no-store` answers stream.
 */
import type { Context } from 'hono'
import { SchedulerError } from '../../core/errors.ts'
import { deadlineOf } from './deadline.ts'
import { TimeLimit } from './time-limit.ts'

/**
 * Bytes of a complete answer at most. CloudFront compresses no more, and an instance holds one for each of its requests. Whatever is
 * larger (a record beyond the size of a page) streams, and is not kept.
 */
const MAX_COMPLETE_BYTES = 10_000_000

export interface Sending {
  status?: number
  /** `cache-control` is among them, or the answer may not be kept. */
  headers: Headers
  /** The log's line when a streamed answer breaks off: its reader sees no more than that it ends. */
  onCutOff: string
}

/**
 * The answer with these bytes. Where it may be kept, waits for all of them and adds `content-length`; fails as the bytes do then, and
 * with `unavailable` where they take too long.
 *
 * @param bytes read to the end, or closed by `return`
 */
export async function sendBytes(c: Context, bytes: AsyncIterable<Uint8Array>, sending: Sending): Promise<Response> {
  const { status = 200, headers, onCutOff } = sending
  const respond = (body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) =>
    new Response(ReadableStream.from(body) as ReadableStream, { status, headers })
  if (c.req.method === 'HEAD') {
    // Nothing takes such an answer's body: it would stay open, with what it holds.
    let length = 0
    for await (const piece of bytes) length += piece.length
    headers.set('content-length', String(length))
    return new Response(null, { status, headers })
  }
  if (!mayBeKept(headers)) return respond(logged(c, bytes, onCutOff))

  const { pieces, length, rest } = await inTime(c, gather(bytes))
  if (rest === undefined) {
    headers.set('content-length', String(length))
    return respond(released(pieces))
  }
  headers.set('cache-control', 'no-store')
  headers.delete('etag')
  return respond(logged(c, rest, onCutOff))
}

export const mayBeKept = (headers: Headers): boolean => !/\bno-store\b/.test(headers.get('cache-control') ?? 'no-store')

interface Gathered {
  pieces: Uint8Array[]
  length: number
  /** All of the bytes once more, where they are more than a complete answer may have. */
  rest?: AsyncGenerator<Uint8Array>
}

async function gather(bytes: AsyncIterable<Uint8Array>): Promise<Gathered> {
  const iterator = bytes[Symbol.asyncIterator]()
  const pieces: Uint8Array[] = []
  let length = 0
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    pieces.push(next.value)
    length += next.value.length
    if (length > MAX_COMPLETE_BYTES) return { pieces, length, rest: continued(pieces, iterator) }
  }
  return { pieces, length }
}

async function inTime(c: Context, gathering: Promise<Gathered>): Promise<Gathered> {
  const now = Date.now()
  const limit = new TimeLimit(deadlineOf(c, now) - now)
  const late = new Promise<never>((_, reject) => {
    limit.signal.addEventListener('abort', () =>
      reject(
        new SchedulerError('unavailable', 'The answer took too long to read; asking again is safe', { retryAfter: 2 }),
      ),
    )
  })
  try {
    return await Promise.race([gathering, late])
  } finally {
    limit.clear()
  }
}

async function* continued(pieces: Uint8Array[], iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* released(pieces)
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
  } finally {
    await iterator.return?.()
  }
}

/** Each piece is garbage when it has been sent. */
function* released(pieces: Uint8Array[]): Generator<Uint8Array> {
  pieces.reverse()
  for (let piece = pieces.pop(); piece; piece = pieces.pop()) yield piece
}

async function* logged(c: Context, bytes: AsyncIterable<Uint8Array>, onCutOff: string): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes
  } catch (error) {
    // The head has gone out, so no status can tell it.
    c.get('log')?.warn({ err: error }, onCutOff)
    throw error
  }
}
