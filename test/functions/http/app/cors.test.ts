/** CORS is open to any origin, method and header, on errors too (contract, "Routes"). */
import { describe, expect, it } from 'vitest'
import { recordedRaw } from '../../../core/schedule/items.ts'
import { page, post } from './asking.ts'
import { createUnitApp } from './unit-app.ts'

const origin = 'https://example.org'

describe('a browser', () => {
  it('may read every answer', async () => {
    const { app } = createUnitApp()
    await post(app, recordedRaw('procA'))
    for (const [method, path, status] of [
      ['GET', '/', 200],
      ['HEAD', '/', 200],
      ['GET', page(), 200],
      ['GET', '/nothing', 400],
      ['GET', '/a/b/c', 404],
      ['PUT', '/', 405],
      ['POST', '/', 400],
    ] as const) {
      const response = await app.request(path, { method, headers: { origin } })
      const { headers } = response
      expect(response.status).toBe(status)
      expect(headers.get('access-control-allow-origin'), path).toBe('*')
      expect(headers.get('access-control-expose-headers')).toBe('*')
    }
  })

  it.each(['POST', 'GET', 'PUT'])('may ask in advance for any method and any header: %s', async (method) => {
    const { app, unit } = createUnitApp()
    for (const path of ['/', page(), '/a/b/c']) {
      const response = await app.request(path, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': method,
          'access-control-request-headers': 'content-type, x-anything',
        },
      })
      expect([response.status, await response.text()]).toEqual([200, '\n'])
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
      expect(response.headers.get('access-control-allow-methods')).toBe('*')
      expect(response.headers.get('access-control-allow-headers')).toBe('content-type,x-anything')
      expect(Number(response.headers.get('access-control-max-age'))).toBeGreaterThan(0)
    }
    expect(unit.calls).toEqual([])
  })
})
