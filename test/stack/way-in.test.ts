/** A whole unit that stands behind a CDN: it starts, and takes what carries one of the CDN's secrets, nothing else. */
import { expect, it } from 'vitest'
import { processItem } from './client.ts'
import { openStack } from './stack.ts'

it('what did not come through the CDN is refused over HTTP, health check and all', async () => {
  const secrets = ['the new secret of the CDN', 'the old secret of the CDN']
  const unit = await openStack({ CDN_SECRET: secrets.join(', ') }, { instances: 1 })
  try {
    const { raw } = await processItem('through a CDN')
    const ask = (path: string, init: RequestInit, headers: Record<string, string> = {}) =>
      fetch(unit.url + path, { ...init, headers: { 'content-type': 'application/octet-stream', ...headers } })
    const spawn = { method: 'POST', body: new Uint8Array(raw) }
    for (const [path, init] of [
      ['/health', {}],
      ['/', {}],
      ['/', spawn],
      ['/', { method: 'OPTIONS' }],
    ] as const) {
      for (const headers of [{}, { 'x-cdn-secret': 'no secret of the CDN' }]) {
        const refused = await ask(path, init, headers)
        expect(refused.status, path).toBe(403)
        expect(await refused.json()).toMatchObject({ error: expect.stringContaining('CDN'), code: 'forbidden' })
        expect(refused.headers.get('access-control-allow-origin')).toBe('*')
      }
    }
    for (const secret of secrets) {
      expect((await ask('/health', {}, { 'x-cdn-secret': secret })).status).toBe(200)
      const taken = await ask('/', spawn, { 'x-cdn-secret': secret })
      expect(taken.status, await taken.text()).toBe(200)
    }
  } finally {
    await unit.close()
  }
})
