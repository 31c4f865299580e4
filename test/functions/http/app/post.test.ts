/** `POST /` with a data item: what is answered, and which bodies are taken. */
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { A, recordedItem, recordedRaw, signedMessage, signedProcess } from '../../../core/schedule/items.ts'
import { slowly } from '../../../core/schedule/scheduling.ts'
import { expectError, filledApp, jsonOf, post } from './asking.ts'
import { createUnitApp } from './unit-app.ts'

describe('an item', () => {
  it('is answered with its id and the time now, a number', async () => {
    const { app, unit } = createUnitApp()
    for (const item of [await signedProcess(), recordedItem('procA'), await signedMessage()]) {
      const response = await post(app, item)
      expect(response.status).toBe(200)
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(Object.entries(await jsonOf(response))).toEqual([
        ['id', item.id],
        ['timestamp', unit.clock.now()],
      ])
    }
  })

  it('is taken whatever the query and the headers say', async () => {
    const { app } = await filledApp()
    const message = () => signedMessage()
    for (const path of [`/?process-id=${A}`, '/?process-id=', '/?proc-id=x', '/?x=1&base-layer&exclude=a']) {
      expect((await post(app, await message(), path)).status).toBe(200)
    }
    for (const headers of [
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/json' },
      { accept: 'text/html' },
      { 'x-real-ip': '1.2.3.4' },
    ]) {
      expect((await post(app, await message(), '/', headers)).status).toBe(200)
    }
  })

  it('that comes again gets its answer again, and is refused with its place when that is over', async () => {
    const { app, unit } = await filledApp()
    await unit.clock.run(unit.clock.sleep(1000))
    const message = await signedMessage()
    const first = await jsonOf(post(app, message))
    await unit.clock.run(unit.clock.sleep(1000))
    expect(await jsonOf(post(app, message))).toEqual(first)
    await unit.clock.run(unit.clock.sleep(1_800_000))
    const body = await expectError(post(app, message), 400, 'already-scheduled')
    expect(Object.keys(body)).toEqual(['error', 'code', 'id', 'nonce', 'timestamp'])
    expect(body).toMatchObject({ id: message.id, nonce: 4, timestamp: first.timestamp })
  })

  it('equal to a pushed one is refused with that one’s place', async () => {
    const { app, unit } = await filledApp()
    await post(app, recordedRaw('msgPushed'))
    const [finding] = await unit.store.find(recordedItem('msgPushed').id)
    const body = await expectError(post(app, recordedRaw('msgPushedAgain')), 400, 'deep-hash-known')
    expect(body).toMatchObject({ id: finding?.place.assignment, nonce: 4, timestamp: finding?.place.timestamp })
  })
})

describe('a refusal', () => {
  it('says which kind it is', async () => {
    const { app, unit } = await filledApp({
      rules: { size: { maxBytes: 5000, owners: new Set(), fromProcesses: new Set(), fromOwners: new Set() } },
    })
    await expectError(post(app, recordedRaw('msgBadSignature')), 400, 'invalid-item')
    await expectError(post(app, recordedRaw('msgNoType')), 400, 'invalid-message')
    await expectError(post(app, recordedRaw('msgUnknownTarget')), 400, 'not-found')
    await expectError(post(app, recordedRaw('msg100k')), 400, 'message-too-large')
    await unit.store.setState(A, 'open', 'frozen')
    // A refusal waits a moment: the rows of a commit may be seen one after the other.
    await expectError(slowly(unit, post(app, await signedMessage())), 503, 'frozen')
    await expectError(post(app, recordedRaw('procA')), 503, 'frozen')
    await unit.store.setState(A, 'frozen', 'incomplete')
    await expectError(slowly(unit, post(app, await signedMessage())), 503, 'incomplete')
  })
})

describe('a body', () => {
  it('that is missing or empty is refused', async () => {
    const { app, unit } = createUnitApp()
    for (const path of ['/', `/?process-id=${A}`, '/?base-layer']) {
      await expectError(app.request(path, { method: 'POST' }), 400, 'invalid-item')
      await expectError(post(app, Buffer.alloc(0), path), 400, 'invalid-item')
    }
    expect(unit.calls.filter((call) => !call.startsWith('lists'))).toEqual([])
  })

  it.each([
    ['text', Buffer.from('hello')],
    ['JSON', Buffer.from('{"id":"x"}')],
    ['zeros', Buffer.alloc(4096)],
    ['ones', Buffer.alloc(4096, 255)],
    ['half an item', recordedRaw('msg1').subarray(0, 700)],
    ['an item and a byte', Buffer.concat([recordedRaw('msg1'), Buffer.from('x')])],
  ])('that is no item is refused: %s', async (_, body) => {
    const { app, unit } = createUnitApp()
    await expectError(post(app, body), 400, 'invalid-item')
    expect(unit.calls.filter((call) => !call.startsWith('lists'))).toEqual([])
  })

  it('over the limit is 413, and the answer names the limit', async () => {
    const { app } = await filledApp({ parts: { maxBodyBytes: 3000 } })
    const { raw } = await signedMessage()
    expect((await post(app, await signedMessage({ data: 'x'.repeat(3000 - raw.length) }))).status).toBe(200)
    const over = await signedMessage({ data: 'x'.repeat(3001 - raw.length) })
    const { error } = await expectError(post(app, over), 413, 'body-too-large')
    expect(error).toContain('3000')
  })

  it('that is packed is unpacked, the limit holding for what comes out', async () => {
    const { app } = await filledApp({ parts: { maxBodyBytes: 3000 } })
    const gzip = { 'content-encoding': 'gzip' }
    const message = await signedMessage({ data: 'x'.repeat(1000) })
    expect(await jsonOf(post(app, gzipSync(message.raw), '/', gzip))).toMatchObject({ id: message.id })
    const large = await signedMessage({ data: 'x'.repeat(5000) })
    await expectError(post(app, gzipSync(large.raw), '/', gzip), 413, 'body-too-large')
    await expectError(post(app, message.raw, '/', gzip), 400, 'invalid-request')
    await expectError(post(app, message.raw, '/', { 'content-encoding': 'compress' }), 415, 'unsupported-encoding')
  })

  it('that breaks off is no item', async () => {
    const { app, unit, lines } = createUnitApp()
    const body = ReadableStream.from(
      (async function* () {
        yield new Uint8Array(recordedRaw('msg1').subarray(0, 100))
        throw new Error('the client left')
      })(),
    ) as ReadableStream
    const response = await app.request('/', { method: 'POST', body, duplex: 'half' })
    expect(response.status).toBeGreaterThanOrEqual(400)
    expect(JSON.stringify(await jsonOf(response))).not.toContain('the client left')
    expect(unit.calls.filter((call) => call.startsWith('store'))).toEqual([])
    expect(lines.length).toBeGreaterThan(0)
  })
})
