import { randomBytes } from 'node:crypto'
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { readBody } from '../../../functions/http/body.ts'
import { createErrorHandler } from '../../../functions/http/errors.ts'
import { createLogger } from '../../../functions/telemetry/logger.ts'

const LIMIT = 10_000

const app = new Hono()
app.post('/', async (c) => c.body(new Uint8Array(await readBody(c.req.raw, LIMIT))))
app.onError(createErrorHandler({ logger: createLogger({ level: 'silent' }, {}) }))

const post = async (body: Uint8Array<ArrayBuffer> | ReadableStream | undefined, encoding?: string) => {
  const response = await app.request('/', {
    method: 'POST',
    body: body ?? null,
    headers: {
      'content-type': 'application/octet-stream',
      ...(encoding !== undefined && { 'content-encoding': encoding }),
    },
    ...(body instanceof ReadableStream && { duplex: 'half' }),
  })
  const bytes = Buffer.from(await response.arrayBuffer())
  return { status: response.status, bytes, text: bytes.toString() }
}

const item = new Uint8Array(randomBytes(5000))
const packers: Record<string, (bytes: Uint8Array) => Buffer> = {
  gzip: gzipSync,
  'x-gzip': gzipSync,
  GZIP: gzipSync,
  deflate: deflateSync,
  ' deflate ': deflateRawSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
}

describe('a body', () => {
  it('comes as it is', async () => {
    expect((await post(item)).bytes.equals(item)).toBe(true)
    expect((await post(item, 'identity')).bytes.equals(item)).toBe(true)
    expect((await post(undefined)).bytes).toHaveLength(0)
    expect((await post(undefined, 'gzip')).bytes).toHaveLength(0)
  })

  it.each(Object.entries(packers))('packed as "%s" is unpacked', async (encoding, pack) => {
    const { status, bytes } = await post(new Uint8Array(pack(item)), encoding)
    expect(status).toBe(200)
    expect(bytes.equals(item)).toBe(true)
  })

  it('packed several times is unpacked in the right order', async () => {
    const packed = new Uint8Array(brotliCompressSync(gzipSync(item)))
    expect((await post(packed, 'gzip, identity, br')).bytes.equals(item)).toBe(true)
    expect((await post(packed, 'br, gzip')).status).toBe(400)
  })

  it.each(['compress', 'gzip, rot13', 'gzip;q=1', '__proto__', 'gzip,gzip,gzip,gzip', 'constructor'])(
    'packed as "%s" is refused: 415, and says what may be',
    async (encoding) => {
      const { status, text } = await post(item, encoding)
      expect(status).toBe(415)
      expect(text).toContain('gzip')
    },
  )

  it('of exactly the limit is taken, of a byte more refused, packed or not', async () => {
    const full = new Uint8Array(LIMIT)
    const over = new Uint8Array(LIMIT + 1)
    expect((await post(full)).status).toBe(200)
    expect((await post(over)).status).toBe(413)
    for (const [encoding, pack] of Object.entries(packers)) {
      expect((await post(new Uint8Array(pack(full)), encoding)).status).toBe(200)
      const refused = await post(new Uint8Array(pack(over)), encoding)
      expect(refused.status).toBe(413)
      expect(refused.text).toContain(`${LIMIT}`)
    }
  })

  it('without a length is given up at the limit', async () => {
    let pulled = 0
    const endless = new ReadableStream({
      pull(controller) {
        pulled += 1000
        controller.enqueue(new Uint8Array(1000))
      },
    })
    expect((await post(endless)).status).toBe(413)
    expect(pulled).toBeLessThan(3 * LIMIT)
  })
})

describe('a hostile body', () => {
  const bomb = new Uint8Array(64 * 1024 * 1024)

  it.each(Object.entries(packers))('that is a bomb (%s) stops early', async (encoding, pack) => {
    // Packed twice it is small enough to come in at all.
    const once = pack(bomb)
    const packed = new Uint8Array(once.length > LIMIT ? gzipSync(once) : once)
    expect(packed.length).toBeLessThanOrEqual(LIMIT)
    const encodings = once.length > LIMIT ? `${encoding}, gzip` : encoding
    const memory = process.memoryUsage().rss
    expect((await post(packed, encodings)).status).toBe(413)
    expect(process.memoryUsage().rss - memory).toBeLessThan(48 * 1024 * 1024)
  })

  it('that wants a huge window is refused', async () => {
    const params = { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_enableLongDistanceMatching]: 1 }
    const packed = zstdCompressSync(randomBytes(9000), { params, pledgedSrcSize: 9000 })
    // Window_Descriptor of the frame: 128 MB, whatever the compressor thought would do.
    const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (27 - 10) << 3, 0x01, 0x00, 0x00])
    expect((await post(new Uint8Array(packed), 'zstd')).status).toBe(200)
    expect((await post(new Uint8Array(frame), 'zstd')).status).toBe(400)
  })

  it.each(Object.entries(packers))('that is no, half or more than %s is refused: 400', async (encoding, pack) => {
    const packed = pack(item)
    const followed = Buffer.concat([packed, Buffer.from([0])])
    for (const broken of [item, packed.subarray(0, packed.length / 2), packed.subarray(0, 1), followed]) {
      const { status, text } = await post(new Uint8Array(broken), encoding)
      expect(status).toBe(400)
      expect(JSON.parse(text)).toEqual({
        error: expect.stringContaining('cannot be unpacked'),
        code: 'invalid-request',
      })
    }
  })

  it('that begins like an empty stream is refused, and not taken for no body', async () => {
    for (const [encoding, pack] of Object.entries(packers)) {
      const like = Buffer.concat([pack(new Uint8Array(0)), item])
      expect((await post(new Uint8Array(like), encoding)).status).toBe(400)
    }
  })
})
