/** A page is whole, or visibly broken off, never a shorter page that looks like one. What may be kept is complete before its head. */
import { describe, expect, it } from 'vitest'
import { A, recordedItem, recordedRaw, signedMessage } from '../../../core/schedule/items.ts'
import { drain, expectError, getJson, page, post } from './asking.ts'
import { createUnitApp } from './unit-app.ts'

/** Twenty messages of 100 KB, all in the blob store. */
async function appWithBlobs() {
  const unitApp = createUnitApp({ rules: { inlineBytes: 1000 } })
  const { app, unit } = unitApp
  await post(app, recordedRaw('procA'))
  const messages = await Promise.all(
    Array.from({ length: 20 }, (_, index) => signedMessage({ data: `${index}`.padStart(100_000, 'x') })),
  )
  for (const message of messages) expect((await post(app, message)).status).toBe(200)
  const records = await unit.store.records(A, 0, 20)
  const blobs = records.flatMap(({ item }) => (item && 'blob' in item ? [item.blob] : []))
  return { ...unitApp, messages, blobs }
}

describe('a page', () => {
  it('comes in pieces and is whole', async () => {
    const { app, messages } = await appWithBlobs()
    const response = await app.request(page())
    expect(response.status).toBe(200)
    expect(response.headers.get('content-length')).toBeNull()
    const { text, broken } = await drain(response)
    expect(broken).toBe(false)
    const { edges, page_info } = JSON.parse(text)
    expect(page_info).toEqual({ has_next_page: false })
    expect(edges.map((edge: { node: { message: { id: string } } }) => edge.node.message.id)).toEqual([
      A,
      ...messages.map(({ id }) => id),
    ])
  })

  it('whose blob is gone midway breaks off, cannot be parsed, and an operator sees why', async () => {
    const { app, unit, blobs, lines } = await appWithBlobs()
    const lost = blobs[15]
    if (!lost) throw new Error('no blob')
    unit.blobs.lose(lost)
    const response = await app.request(page())
    expect(response.status).toBe(200)
    const { text, broken } = await drain(response)
    expect(broken).toBe(true)
    expect(text.length).toBeGreaterThan(1_000_000)
    expect(text).not.toContain('"error"')
    expect(() => JSON.parse(text)).toThrow()
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message: 'a page was cut off',
        requestId: response.headers.get('x-request-id'),
        err: expect.objectContaining({ message: expect.stringMatching(/^The blob of item .* is missing\.$/) }),
      }),
    )
    // Each of the pages beside the gap is whole.
    expect((await getJson(app, page('&from-nonce=-1&to-nonce=14'))).page_info).toEqual({ has_next_page: false })
    expect((await getJson(app, page('&from-nonce=17'))).edges).toHaveLength(3)
  })

  it('that may be kept is an error where its last blob is gone, and complete where none is', async () => {
    const { app, unit, messages, blobs, lines } = await appWithBlobs()
    const lost = blobs[15]
    const message = messages.find(({ id }) => id === lost?.id)
    if (!lost || !message) throw new Error('no blob')
    unit.blobs.lose(lost)
    for (const form of ['', '&format=bundle']) {
      const response = await app.request(page(`&from-nonce=-1&to-nonce=15${form}`))
      for (const name of ['etag', 'content-length', 'x-has-next-page']) expect(response.headers.get(name)).toBeNull()
      await expectError(response, 503, 'unavailable')
    }
    await unit.blobs.put(lost, message.raw)
    for (const form of ['', '&format=bundle']) {
      const whole = await app.request(page(`&from-nonce=-1&to-nonce=15${form}`))
      expect(whole.headers.get('cache-control')).toContain('immutable')
      const { byteLength } = await whole.arrayBuffer()
      expect(byteLength).toBeGreaterThan(1_500_000)
      expect(whole.headers.get('content-length')).toBe(String(byteLength))
    }
    expect(lines.map(({ message }) => message)).not.toContain('a page was cut off')
  })

  it('of a record that is larger than an answer may be at once streams, and is not kept', async () => {
    const { app } = createUnitApp()
    await post(app, recordedRaw('procA'))
    // Each byte is six in JSON.
    const message = await signedMessage({ data: '\u0001'.repeat(2_000_000) })
    expect((await post(app, message)).status).toBe(200)
    const response = await app.request(page('&from-nonce=0&to-nonce=1'))
    const { headers } = response
    expect([headers.get('cache-control'), headers.get('etag'), headers.get('content-length')]).toEqual([
      'no-store',
      null,
      null,
    ])
    const text = await response.text()
    expect(text.length).toBeGreaterThan(12_000_000)
    expect(JSON.parse(text).edges).toHaveLength(1)
  })

  it('whose blob was altered breaks off, too', async () => {
    const { app, unit, blobs } = await appWithBlobs()
    const spoiled = blobs[10]
    if (!spoiled) throw new Error('no blob')
    unit.blobs.spoil(spoiled)
    expect(await drain(await app.request(page()))).toMatchObject({ broken: true })
  })

  it('whose first blob cannot be read is an error, while it can be said', async () => {
    const { app, unit, blobs, messages } = await appWithBlobs()
    for (const blob of blobs) unit.blobs.lose(blob)
    await expectError(app.request(page()), 503, 'unavailable')
    await expectError(app.request(`/${messages[0]?.id}`), 503, 'unavailable')
    await expectError(app.request(`/${A}/latest`), 503, 'unavailable')
    await expectError(app.request(`/processes/${A}`), 503, 'unavailable')
  })

  it('of a log with a hole is an error, while it can be said', async () => {
    const { app, unit } = await appWithBlobs()
    unit.store.lose(A, 7)
    await expectError(app.request(page()), 503, 'unavailable')
    expect((await getJson(app, page('&from-nonce=7'))).edges).toHaveLength(13)
  })

  it('ends for its size and says so', async () => {
    const { app } = createUnitApp({ maxPageBytes: 20_000 })
    await post(app, recordedRaw('procA'))
    for (let number = 1; number <= 12; number++) await post(app, recordedRaw(`msg${number}` as 'msg1'))
    const body = await getJson(app, page())
    expect(body.page_info).toEqual({ has_next_page: true })
    expect(JSON.stringify(body).length).toBeLessThanOrEqual(20_000)
    expect(JSON.stringify(body).length).toBeGreaterThan(15_000)
  })

  it('that its reader leaves is given up', async () => {
    const { app, unit } = await appWithBlobs()
    const response = await app.request(page())
    unit.calls.length = 0
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.cancel()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(unit.calls.filter((call) => call === 'blobs.get').length).toBeLessThan(10)
  })

  it('may be asked for by HEAD', async () => {
    const { app } = await appWithBlobs()
    const response = await app.request(page(), { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
    expect((await app.request(`/${recordedItem('msg1').id}`, { method: 'HEAD' })).status).toBe(400)
  })
})
