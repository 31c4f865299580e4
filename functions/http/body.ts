/** The body of a request, unpacked. Neither the body as it came nor what comes out of it may be over the limit. */
import { isAscii } from 'node:buffer'
import { promisify } from 'node:util'
import { brotliDecompress, constants, gunzip, inflate, inflateRaw, zstdDecompress } from 'node:zlib'
import type { Context } from 'hono'
import { SchedulerError } from '../../core/errors.ts'
import { textOfBody } from './platform.ts'

type Unpack = (packed: Buffer, maxBytes: number) => Promise<unknown>

/** What Node answers with `info`, although its types say a buffer: what came out, and how many bytes of the body that took. */
type Unpacked = { buffer: Buffer; engine: { bytesWritten: number } }

/** All of these stop as soon as more comes out than may, however little went in. */
const unpackers: Record<string, Unpack> = {
  gzip: (packed, maxOutputLength) => promisify(gunzip)(packed, { maxOutputLength, info: true }),
  deflate: (packed, maxOutputLength) =>
    promisify(hasZlibHeader(packed) ? inflate : inflateRaw)(packed, { maxOutputLength, info: true }),
  br: (packed, maxOutputLength) => promisify(brotliDecompress)(packed, { maxOutputLength, info: true }),
  zstd: (packed, maxOutputLength) =>
    // A frame may ask for a window far larger than anything that comes out of it: 8 MB are enough for what is taken here.
    promisify(zstdDecompress)(packed, {
      maxOutputLength,
      info: true,
      params: { [constants.ZSTD_d_windowLogMax]: 23 },
    }),
}

/** Clients have no reason for more. */
const MAX_ENCODINGS = 3

/**
 * The bytes of the data item that was posted, whatever `Content-Type` says. Fails as `readBody` and `checkItem`.
 *
 * @param maxBytes MAX_BODY_BYTES
 */
export async function readItem(c: Context, maxBytes: number): Promise<Buffer> {
  // Before anything is unpacked of bytes that are not what was sent.
  refuseLostBytes(c)
  const bytes = await readBody(c.req.raw, maxBytes)
  checkItem(c, bytes)
  return bytes
}

/**
 * Fails with `unsupported-media-type` where the platform has made text of the body, and with `invalid-item` where it is empty or text.
 *
 * @param bytes the body
 */
export function checkItem(c: Context, bytes: Buffer): void {
  refuseLostBytes(c)
  if (bytes.length === 0)
    throw new SchedulerError('invalid-item', 'The body is empty: a data item is needed, or assign')
  if (isText(bytes)) {
    throw new SchedulerError(
      'invalid-item',
      'Body: it is text, and a data item is binary. Post the bytes of the item, neither JSON nor base64.',
    )
  }
}

/** Lambda decodes some types as UTF-8, and bytes that are none become U+FFFD. Only ASCII certainly came as it was sent. */
function refuseLostBytes(c: Context): void {
  const text = textOfBody(c.env)
  if (text === undefined || isAscii(Buffer.from(text))) return
  throw new SchedulerError(
    'unsupported-media-type',
    'Content-Type: the platform decodes this type as text, and the bytes of the body are lost. Send application/octet-stream.',
  )
}

/** The second byte of an item is a NUL, which text has not (ANS-104: a signature type is two bytes, and small). */
const isText = (bytes: Buffer): boolean => /^[\t\n\r\x20-\x7e]+$/.test(bytes.toString('latin1', 0, 64))

/**
 * The bytes of the body, unpacked by what `Content-Encoding` lists.
 * Fails with `body-too-large` over the limit, `unsupported-encoding`, `invalid-request` for what cannot be unpacked.
 *
 * @param maxBytes MAX_BODY_BYTES: for the body as it came, and for what comes out of it
 */
export async function readBody(request: Request, maxBytes: number): Promise<Buffer> {
  const encodings = encodingsOf(request)
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes)
  let bytes = await collect(request, maxBytes)
  if (bytes.length === 0) return bytes
  for (const { name, unpack } of encodings.reverse()) {
    try {
      const { buffer, engine } = (await unpack(bytes, maxBytes)) as Unpacked
      // Node ignores what follows the end of a packed stream. Then the body is not what was unpacked: any bytes can begin like an empty stream.
      if (engine.bytesWritten !== bytes.length) throw new Error('There are bytes behind the end')
      bytes = buffer
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes)
      throw new SchedulerError('invalid-request', `The body cannot be unpacked as ${name}`, { cause: error })
    }
  }
  return bytes
}

function encodingsOf(request: Request): { name: string; unpack: Unpack }[] {
  const names = (request.headers.get('content-encoding') ?? '')
    .split(',')
    .map((name) =>
      name
        .trim()
        .toLowerCase()
        .replace(/^x-gzip$/, 'gzip'),
    )
    .filter((name) => name !== '' && name !== 'identity')
  if (names.length > MAX_ENCODINGS) throw unsupported()
  return names.map((name) => {
    const unpack = Object.hasOwn(unpackers, name) ? unpackers[name] : undefined
    if (!unpack) throw unsupported()
    return { name, unpack }
  })
}

async function collect(request: Request, maxBytes: number): Promise<Buffer> {
  if (!request.body) return Buffer.alloc(0)
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request.body) {
    length += chunk.length
    if (length > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** `deflate` means the zlib format, but some clients send the bare one. */
const hasZlibHeader = (packed: Buffer): boolean =>
  packed.length >= 2 && ((packed[0] ?? 0) & 0x0f) === 8 && packed.readUInt16BE(0) % 31 === 0

const tooLarge = (maxBytes: number) =>
  new SchedulerError('body-too-large', `The body may have ${maxBytes} bytes at most, unpacked too`)

const unsupported = () =>
  new SchedulerError(
    'unsupported-encoding',
    `Content-Encoding may be ${Object.keys(unpackers).join(', ')}, at most ${MAX_ENCODINGS} of them`,
  )
