/** Which coding is chosen, and that what is compressed comes as early, and breaks off, as it would otherwise. */
import { once } from 'node:events'
import { brotliDecompressSync, createGunzip, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type Coding, compressed, preferredCoding } from '../../../functions/http/compression.ts'

const unpack: Record<Coding, (bytes: Buffer) => Buffer> = {
  zstd: zstdDecompressSync,
  br: brotliDecompressSync,
  gzip: gunzipSync,
}
const codings = ['zstd', 'br', 'gzip'] as const

const collect = async (bytes: AsyncIterable<Uint8Array>) => {
  const pieces: Uint8Array[] = []
  for await (const piece of bytes) pieces.push(piece)
  return Buffer.concat(pieces)
}

describe('the coding', () => {
  it.each<[string | undefined, Coding | undefined]>([
    [undefined, undefined],
    ['', undefined],
    ['identity', undefined],
    ['gzip, deflate', 'gzip'],
    ['gzip, deflate, br, zstd', 'zstd'],
    ['br, gzip', 'br'],
    ['GZIP', 'gzip'],
    ['gzip;q=0', undefined],
    ['gzip;q=0.5, br;q=0.4', 'gzip'],
    ['zstd;q=0.1, gzip;q=0.2', 'gzip'],
    ['gzip;q=0.5, identity', undefined],
    ['gzip;q=0.5, identity;q=0.4', 'gzip'],
    ['*', 'gzip'],
    ['*;q=0', undefined],
    ['gzip;q=0, *', undefined],
    ['deflate', undefined],
    ['gzip;q=two', undefined],
    [' gzip ; q=1.0 ', 'gzip'],
    [',,;q=1,', undefined],
  ])('for %j is %j', (accept, coding) => {
    expect(preferredCoding(accept)).toBe(coding)
  })
})

describe.each(codings)('compressed by %s', (coding) => {
  it('is the same', async () => {
    const pieces = Array.from({ length: 50 }, (_, at) => Buffer.alloc(at * 3000, `${at} `))
    const source = async function* () {
      yield* pieces
    }
    const packed = await collect(compressed(source(), coding))
    expect(packed.length).toBeLessThan(100_000)
    expect(unpack[coding](packed).equals(Buffer.concat(pieces))).toBe(true)
  })

  it('is something even of nothing', async () => {
    const packed = await collect(compressed((async function* () {})(), coding))
    expect(unpack[coding](packed).length).toBe(0)
  })

  it('fails as its source does', async () => {
    const source = async function* () {
      yield Buffer.alloc(100_000, 'x')
      throw new Error('gone')
    }
    await expect(collect(compressed(source(), coding))).rejects.toThrow('gone')
  })

  it('stops its source when its reader goes away, and is not read far ahead', async () => {
    let read = 0
    let stopped = false
    const source = async function* () {
      try {
        for (;;) {
          read++
          yield Buffer.from(crypto.getRandomValues(new Uint8Array(65_536)))
        }
      } finally {
        stopped = true
      }
    }
    for await (const _ of compressed(source(), coding)) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      break
    }
    await expect.poll(() => stopped).toBe(true)
    expect(read).toBeLessThan(12)
  })
})

it('does not hold the first piece back', async () => {
  const more = Promise.withResolvers<void>()
  const source = async function* () {
    yield Buffer.from('the beginning')
    await more.promise
    yield Buffer.from(', and the end')
  }
  const gunzip = createGunzip()
  const reading = (async () => {
    for await (const piece of compressed(source(), 'gzip')) gunzip.write(piece)
    gunzip.end()
  })()
  const [first] = await once(gunzip, 'data')
  expect(String(first)).toBe('the beginning')
  more.resolve()
  await reading
})
