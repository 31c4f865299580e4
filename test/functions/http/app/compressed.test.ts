/** Pages as compressed answers. */
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { filledApp, page } from './asking.ts'

describe('a page', () => {
  it.each([
    ['gzip', gunzipSync],
    ['zstd', zstdDecompressSync],
  ] as const)('is compressed for whoever takes %s', async (coding, unpack) => {
    const { app } = await filledApp()
    for (const path of [page('&limit=2'), page(), page('&limit=2&format=bundle')]) {
      const plain = await app.request(path)
      const packed = await app.request(path, { headers: { 'accept-encoding': coding } })
      expect(plain.headers.get('content-encoding')).toBeNull()
      expect(packed.headers.get('content-encoding')).toBe(coding)
      // Caches keep both, and by a name that says no more than is true.
      for (const { headers } of [plain, packed]) expect(headers.get('vary')).toBe('Accept-Encoding')
      const tag = plain.headers.get('etag')
      expect(packed.headers.get('etag')).toBe(tag && `W/${tag}`)
      const bytes = Buffer.from(await packed.arrayBuffer())
      expect(unpack(bytes).equals(Buffer.from(await plain.arrayBuffer()))).toBe(true)
    }
  })

  it('that is known is known in any coding', async () => {
    const { app } = await filledApp()
    const path = page('&limit=2')
    const tag = (await app.request(path, { headers: { 'accept-encoding': 'gzip' } })).headers.get('etag')
    const again = await app.request(path, { headers: { 'accept-encoding': 'gzip', 'if-none-match': tag ?? '' } })
    expect(again.status).toBe(304)
    expect(again.headers.get('content-encoding')).toBeNull()
    expect(again.headers.get('vary')).toBe('Accept-Encoding')
  })

  it('answers HEAD without reading what it would send', async () => {
    const { app, unit } = await filledApp({ rules: { inlineBytes: 0 } })
    unit.calls.length = 0
    const response = await app.request(page('&limit=2'), { method: 'HEAD', headers: { 'accept-encoding': 'gzip' } })
    expect([response.status, await response.text()]).toEqual([200, ''])
    expect(response.headers.get('etag')).toMatch(/^W\//)
    expect(unit.calls).not.toContain('blobs.get')
  })
})
