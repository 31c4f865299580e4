/** Reads the body of a request, unpacked; neither what comes in nor what comes out of it may be over the limit. */
import { promisify } from 'node:util'
import { brotliDecompress, constants, gunzip, inflate, inflateRaw, zstdDecompress } from 'node:zlib'
import { SchedulerError } from '../../core/errors.ts'

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

/** Nobody packs more often than that for a good reason. */
const MAX_ENCODINGS = 3

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
      // Node lets alone what comes behind the end, but then it is not the body that was unpacked: any bytes can begin like an empty stream.
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
