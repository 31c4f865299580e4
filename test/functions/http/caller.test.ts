import { Hono } from 'hono'
import { handle } from 'hono/aws-lambda'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../../functions/config/secret.ts'
import { callerAddress } from '../../../functions/http/caller.ts'

const secret = new Secret('the secret of the CDN')

const ask = async (
  cdnSecret: Secret | undefined,
  headers: Record<string, string> = {},
  env: unknown = fromAddress('203.0.113.9'),
) => {
  const app = new Hono()
  app.get('/', (c) => c.text(callerAddress(c, cdnSecret)))
  const response = await app.request('/', { headers }, env as object)
  return await response.text()
}

const fromAddress = (sourceIp: string) => ({ requestContext: { http: { sourceIp } }, event: {} })
const fromCdn = { 'x-cdn-secret': 'the secret of the CDN', 'cloudfront-viewer-address': '198.51.100.7:46532' }

describe('the caller', () => {
  it('is whom the platform reports', async () => {
    expect(await ask(undefined)).toBe('203.0.113.9')
    expect(await ask(secret)).toBe('203.0.113.9')
    expect(await ask(undefined, {}, fromAddress('2001:db8::9'))).toBe('2001:db8::9')
  })

  it('is not whom a header claims', async () => {
    for (const name of ['x-forwarded-for', 'x-real-ip', 'forwarded', 'true-client-ip', 'cf-connecting-ip', 'via']) {
      expect(await ask(undefined, { [name]: '127.0.0.1' })).toBe('203.0.113.9')
      expect(await ask(secret, { [name]: '127.0.0.1' })).toBe('203.0.113.9')
    }
  })

  it('is the viewer behind a CDN that knows the secret', async () => {
    expect(await ask(secret, fromCdn)).toBe('198.51.100.7')
    const ipv6 = { ...fromCdn, 'cloudfront-viewer-address': '2001:db8:85a3::7334:443' }
    expect(await ask(secret, ipv6)).toBe('2001:db8:85a3::7334')
    expect(await ask(secret, { ...ipv6, 'cloudfront-viewer-address': '[2001:db8::1]:443' })).toBe('2001:db8::1')
  })

  it('is nobody else for who only looks like a CDN', async () => {
    expect(await ask(undefined, fromCdn)).toBe('203.0.113.9')
    for (const guess of ['', 'the secret of the CD', 'the secret of the CDN.', 'The secret of the CDN']) {
      expect(await ask(secret, { ...fromCdn, 'x-cdn-secret': guess })).toBe('203.0.113.9')
    }
  })

  it('is unknown where nobody says', async () => {
    expect(await ask(undefined, { 'x-forwarded-for': '127.0.0.1' }, {})).toBe('')
    expect(await ask(undefined, {}, { requestContext: { http: {} } })).toBe('')
    const { 'cloudfront-viewer-address': _, ...unnamed } = fromCdn
    expect(await ask(secret, unnamed)).toBe('')
    expect(await ask(secret, { ...fromCdn, 'cloudfront-viewer-address': 'nonsense' })).toBe('')
  })

  it('is found in the event of a function URL', async () => {
    const app = new Hono()
    app.get('/', (c) => c.text(callerAddress(c)))
    const http = { method: 'GET', path: '/', protocol: 'HTTP/1.1', sourceIp: '203.0.113.77', userAgent: 'x' }
    const event: unknown = {
      version: '2.0',
      rawPath: '/',
      rawQueryString: '',
      headers: { host: 'su.example', 'x-forwarded-for': '127.0.0.1' },
      requestContext: { domainName: 'su.example', requestId: 'r', http },
      isBase64Encoded: false,
    }
    const answer = await handle(app)(event as Parameters<ReturnType<typeof handle>>[0])
    expect(answer).toMatchObject({ statusCode: 200, body: '203.0.113.77' })
  })
})
