import { Hono } from 'hono'
import { handle } from 'hono/aws-lambda'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../../functions/config/secret.ts'
import { type CallerSecrets, callerAddress } from '../../../functions/http/caller.ts'
import { proofOf } from '../../../functions/http/router-proof.ts'

const secrets = new Secret(['the secret of the CDN'])

const NOW = 1_700_000_000_000

const askWith = async (
  secrets: CallerSecrets,
  headers: Record<string, string> = {},
  env: unknown = fromAddress('203.0.113.9'),
  { path = '/', method = 'POST', now = NOW } = {},
) => {
  const app = new Hono()
  app.all('*', (c) => c.text(callerAddress(c, secrets, now)))
  const response = await app.request(path, { headers, method }, env as object)
  return await response.text()
}

const ask = (cdnSecrets: Secret<string[]> | undefined, headers?: Record<string, string>, env?: unknown) =>
  askWith({ cdnSecrets }, headers, env)

const fromAddress = (sourceIp: string) => ({ requestContext: { http: { sourceIp } }, event: {} })
const fromCdn = { 'x-cdn-secret': 'the secret of the CDN', 'cloudfront-viewer-address': '198.51.100.7:46532' }

describe('the caller', () => {
  it('is whom the platform reports', async () => {
    expect(await ask(undefined)).toBe('203.0.113.9')
    expect(await ask(secrets)).toBe('203.0.113.9')
    expect(await ask(undefined, {}, fromAddress('2001:db8::9'))).toBe('2001:db8::9')
  })

  it('is not whom a header claims', async () => {
    for (const name of ['x-forwarded-for', 'x-real-ip', 'forwarded', 'true-client-ip', 'cf-connecting-ip', 'via']) {
      expect(await ask(undefined, { [name]: '127.0.0.1' })).toBe('203.0.113.9')
      expect(await ask(secrets, { [name]: '127.0.0.1' })).toBe('203.0.113.9')
    }
  })

  it('is the viewer behind a CDN that knows the secret', async () => {
    expect(await ask(secrets, fromCdn)).toBe('198.51.100.7')
    const ipv6 = { ...fromCdn, 'cloudfront-viewer-address': '2001:db8:85a3::7334:443' }
    expect(await ask(secrets, ipv6)).toBe('2001:db8:85a3::7334')
    expect(await ask(secrets, { ...ipv6, 'cloudfront-viewer-address': '[2001:db8::1]:443' })).toBe('2001:db8::1')
  })

  it('is the viewer by either of two secrets, while one is changed', async () => {
    const two = new Secret(['the new one of the CDN', 'the secret of the CDN'])
    expect(await ask(two, fromCdn)).toBe('198.51.100.7')
    expect(await ask(two, { ...fromCdn, 'x-cdn-secret': 'the new one of the CDN' })).toBe('198.51.100.7')
    expect(await ask(two, { ...fromCdn, 'x-cdn-secret': two.reveal().join() })).toBe('203.0.113.9')
  })

  it('is nobody else for who only looks like a CDN', async () => {
    expect(await ask(undefined, fromCdn)).toBe('203.0.113.9')
    for (const guess of ['', 'the secret of the CD', 'the secret of the CDN.', 'The secret of the CDN']) {
      expect(await ask(secrets, { ...fromCdn, 'x-cdn-secret': guess })).toBe('203.0.113.9')
    }
  })

  it('is unknown where nobody says', async () => {
    expect(await ask(undefined, { 'x-forwarded-for': '127.0.0.1' }, {})).toBe('')
    expect(await ask(undefined, {}, { requestContext: { http: {} } })).toBe('')
    const { 'cloudfront-viewer-address': _, ...unnamed } = fromCdn
    expect(await ask(secrets, unnamed)).toBe('')
    expect(await ask(secrets, { ...fromCdn, 'cloudfront-viewer-address': 'nonsense' })).toBe('')
  })

  it('is found in the event of a function URL', async () => {
    const app = new Hono()
    app.get('/', (c) => c.text(callerAddress(c, {}, NOW)))
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

describe('the caller of what a router passed on', () => {
  const routerSecrets = new Secret(['the secret of the router'])
  const path = '/?process-id=P&assign=T&base-layer&exclude=a,b%20c'
  const proven = (
    caller: string,
    { url = `https://su.example${path}`, method = 'POST', at = NOW, by = routerSecrets } = {},
  ) => ({
    'x-router-caller': caller,
    'x-router-proof': proofOf(by, { method, url, caller }, at),
  })
  const asked = (headers: Record<string, string>, how: { path?: string; method?: string; now?: number } = {}) =>
    askWith({ cdnSecrets: secrets, routerSecrets }, headers, fromAddress('203.0.113.9'), { path, ...how })

  it('is whom the router proves', async () => {
    expect(await asked(proven('198.51.100.7'))).toBe('198.51.100.7')
    expect(await asked(proven('2001:db8::9'))).toBe('2001:db8::9')
    // Behind the unit's own CDN, too: the viewer that this one reports is the router.
    expect(await asked({ ...fromCdn, ...proven('198.51.100.8') })).toBe('198.51.100.8')
  })

  it('is believed by either of two secrets; of two the router takes the one that units know already', async () => {
    const two = new Secret(['the next one of the router', 'the secret of the router'])
    const askedOf = (routerSecrets: Secret<string[]>, by: Secret<string[]>) =>
      askWith({ routerSecrets }, proven('198.51.100.7', { by }), fromAddress('203.0.113.9'), { path })
    for (const by of [two, routerSecrets]) {
      for (const known of [two, routerSecrets]) expect(await askedOf(known, by)).toBe('198.51.100.7')
    }
    const next = new Secret(['the next one of the router'])
    expect(await askedOf(two, next)).toBe('198.51.100.7')
    expect(await askedOf(routerSecrets, next)).toBe('203.0.113.9')
  })

  it('is unknown where the router knows none', async () => {
    expect(await asked(proven(''))).toBe('')
    const { 'x-router-proof': proof } = proven('')
    expect(await asked({ 'x-router-proof': proof })).toBe('')
  })

  it('is the same however the platform writes the query', async () => {
    for (const written of [
      '/?process-id=P&assign=T&base-layer=&exclude=a,b+c',
      '/?process-id=P&assign=T&base-layer=&exclude=a%2Cb%20c',
    ]) {
      expect(await asked(proven('198.51.100.7'), { path: written })).toBe('198.51.100.7')
    }
  })

  it('holds for two minutes either way, as clocks differ', async () => {
    for (const off of [-120_000, 120_000]) {
      expect(await asked(proven('198.51.100.7', { at: NOW + off }))).toBe('198.51.100.7')
    }
    for (const off of [-120_001, 120_001, -NOW]) {
      expect(await asked(proven('198.51.100.7', { at: NOW + off }))).toBe('203.0.113.9')
    }
  })

  it('is nobody whom a bare header names', async () => {
    expect(await asked({ 'x-router-caller': '198.51.100.7' })).toBe('203.0.113.9')
    const guesses = [
      '',
      '.',
      `${NOW}.`,
      `${NOW}.${'0'.repeat(64)}`,
      `${NOW}`,
      '0'.repeat(64),
      `-1.${'0'.repeat(64)}`,
      'x'.repeat(9999),
    ]
    for (const guess of guesses) {
      expect(await asked({ 'x-router-caller': '198.51.100.7', 'x-router-proof': guess })).toBe('203.0.113.9')
    }
  })

  it('is nobody else for an altered proof, or one of another request', async () => {
    const headers = proven('198.51.100.7')
    const [ms = '', hex = ''] = headers['x-router-proof'].split('.')
    const altered = [
      `${Number(ms) + 1}.${hex}`,
      `0${ms}.${hex}`,
      `${ms}.${hex.toUpperCase()}`,
      `${ms}.${hex.slice(0, -1)}${hex.endsWith('0') ? '1' : '0'}`,
      `${ms}.${hex}00`,
      `${ms}.${hex.slice(2)}`,
    ]
    for (const proof of altered.filter((one) => one !== headers['x-router-proof'])) {
      expect(await asked({ ...headers, 'x-router-proof': proof })).toBe('203.0.113.9')
    }
    expect(await asked({ ...headers, 'x-router-caller': '198.51.100.8' })).toBe('203.0.113.9')
    expect(await asked({ 'x-router-proof': headers['x-router-proof'] })).toBe('203.0.113.9')
    for (const other of [
      '/',
      '/?process-id=Q&assign=T&base-layer&exclude=a,b%20c',
      `${path}&x=1`,
      `/x${path.slice(1)}`,
    ]) {
      expect(await asked(headers, { path: other })).toBe('203.0.113.9')
    }
    expect(await asked(headers, { method: 'PUT' })).toBe('203.0.113.9')
    expect(await asked(proven('198.51.100.7', { by: secrets }))).toBe('203.0.113.9')
  })

  it('is the platform’s where the unit has no such secret', async () => {
    expect(await askWith({}, proven('198.51.100.7'), fromAddress('203.0.113.9'), { path })).toBe('203.0.113.9')
  })
})
