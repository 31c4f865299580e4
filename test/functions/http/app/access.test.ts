/** Who may do what: the allow-list of processes and the list of addresses (contract, "What is refused"). */
import { describe, expect, it } from 'vitest'
import {
  A,
  B,
  idFrom,
  recorded,
  recordedItem,
  recordedRaw,
  signedMessage,
  signedProcess,
} from '../../../core/schedule/items.ts'
import { expectError, filledApp, from, page, post } from './asking.ts'
import { behindCdn, CDN_SECRET, createUnitApp } from './unit-app.ts'

const stranger = idFrom('nobody')

/** A may be written, B only read; C is there and not on the list, as is its message. */
async function appWithList() {
  const unitApp = await filledApp()
  const { app, unit } = unitApp
  const process = await signedProcess()
  const message = await signedMessage({ target: process.id })
  await post(app, process)
  await post(app, message)
  await post(app, undefined, `/?process-id=${process.id}&assign=${recorded.txs.base.id}&base-layer`)
  await post(app, undefined, `/?process-id=${A}&assign=${recorded.txs.base2.id}&base-layer`)
  unit.lists.processes = new Map([
    [A, { read: true, write: true }],
    [B, { read: true, write: false }],
  ])
  const assignment = (await unit.store.find(message.id))[0]?.place.assignment ?? ''
  return { ...unitApp, C: process.id, message: message.id, assignment }
}

describe('where an allow-list rules', () => {
  it('what it names is served', async () => {
    const { app } = await appWithList()
    for (const path of [
      page(),
      page('', B),
      `/${A}`,
      `/${A}/latest`,
      `/processes/${A}`,
      `/processes/${B}`,
      `/${recordedItem('msg1').id}`,
    ]) {
      expect((await app.request(path)).status, path).toBe(200)
    }
    expect((await post(app, await signedMessage())).status).toBe(200)
  })

  it('what it does not name is 403, known here or not', async () => {
    const { app, C, message, assignment } = await appWithList()
    for (const path of [
      page('', C),
      `/${C}`,
      `/${C}/latest`,
      `/processes/${C}`,
      `/${message}`,
      `/${assignment}`,
      `/${recorded.txs.base.id}`,
      page('', stranger),
      `/${stranger}/latest`,
      `/processes/${stranger}`,
      `/${stranger}`,
    ]) {
      await expectError(app.request(path), 403, 'forbidden')
    }
  })

  it('what counts is the process whose records are served, whatever process-id says', async () => {
    const { app, C, message, assignment } = await appWithList()
    // C's records are not to be had by naming A.
    for (const id of [C, message, assignment, recorded.txs.base.id]) {
      for (const named of [`process-id=${A}`, `proc-id=${A}`, `process-id=${A}&proc-id=${C}`]) {
        await expectError(app.request(`/${id}?${named}`), 403, 'forbidden')
      }
    }
    // And A's are, whatever is named.
    for (const id of [A, recordedItem('msg1').id, recorded.txs.base2.id]) {
      for (const named of [C, stranger, 'nonsense', '']) {
        expect((await app.request(`/${id}?process-id=${named}`)).status).toBe(200)
      }
    }
  })

  it('where nothing is found, the process named counts, else the id in the path', async () => {
    const { app, C } = await appWithList()
    await expectError(app.request(`/${stranger}?process-id=${A}`), 400, 'not-found')
    await expectError(app.request(`/${stranger}?proc-id=${B}`), 400, 'not-found')
    await expectError(app.request(`/${stranger}?process-id=${C}`), 403, 'forbidden')
    await expectError(app.request(`/${stranger}?process-id=&proc-id=${A}`), 400, 'not-found')
    await expectError(app.request(`/favicon.ico`), 403, 'forbidden')
    await expectError(app.request(`/favicon.ico?process-id=${A}`), 400, 'not-found')
  })

  it('a process that is listed and not here is unknown', async () => {
    const { app, unit } = await appWithList()
    unit.lists.processes = new Map([[stranger, { read: true, write: true }]])
    for (const path of [page('', stranger), `/${stranger}/latest`, `/processes/${stranger}`]) {
      await expectError(app.request(path), 400, 'not-found')
    }
  })

  it('writes are 400 where they are not allowed', async () => {
    const { app, C } = await appWithList()
    await expectError(post(app, await signedProcess()), 400, 'invalid-message')
    for (const target of [B, C, stranger]) {
      await expectError(post(app, await signedMessage({ target })), 400, 'invalid-message')
      const assign = `/?process-id=${target}&assign=${recorded.txs.base3.id}&base-layer`
      await expectError(post(app, undefined, assign), 400, 'invalid-message')
    }
  })

  it('nothing goes while the list was never read, but the unit says who it is', async () => {
    const { app, unit } = await appWithList()
    unit.lists.processes = 'never read'
    for (const path of [page(), `/${A}/latest`, `/processes/${A}`, `/${recordedItem('msg1').id}`]) {
      await expectError(app.request(path), 503, 'unavailable')
    }
    await expectError(post(app, await signedMessage()), 503, 'unavailable')
    for (const path of ['/', '/timestamp', '/health']) expect((await app.request(path)).status).toBe(200)
  })
})

describe('where a list of addresses rules', () => {
  async function appWithAddresses() {
    const unitApp = await filledApp()
    unitApp.unit.lists.addresses = new Set(['203.0.113.9', '2001:db8::9'])
    unitApp.unit.calls.length = 0
    return unitApp
  }
  const assign = `/?process-id=${A}&assign=${recorded.txs.base.id}&base-layer`

  it('those on it may post', async () => {
    const { app } = await appWithAddresses()
    for (const address of ['203.0.113.9', '2001:db8::9']) {
      expect((await post(app, await signedMessage(), '/', {}, from(address))).status).toBe(200)
    }
    expect((await post(app, undefined, assign, {}, from('203.0.113.9'))).status).toBe(200)
  })

  it('others may not, whatever their headers claim, and nothing else is looked at', async () => {
    const { app, unit } = await appWithAddresses()
    const claims = { 'x-forwarded-for': '203.0.113.9', 'x-real-ip': '203.0.113.9', forwarded: 'for=203.0.113.9' }
    for (const env of [from('203.0.113.10'), from(''), {}, undefined]) {
      await expectError(post(app, await signedMessage(), '/', claims, env), 403, 'forbidden')
      await expectError(post(app, undefined, assign, claims, env), 403, 'forbidden')
      await expectError(post(app, Buffer.from('garbage'), '/', claims, env), 403, 'forbidden')
    }
    expect(new Set(unit.calls)).toEqual(new Set(['lists.addressAllowed']))
  })

  it('behind a CDN that proves itself the viewer counts', async () => {
    const { app, unit } = createUnitApp({ parts: behindCdn })
    const cdn = { 'x-cdn-secret': CDN_SECRET, 'cloudfront-viewer-address': '203.0.113.9:4711' }
    expect((await post(app, recordedRaw('procA'), '/', cdn)).status).toBe(200)
    unit.lists.addresses = new Set(['203.0.113.9'])
    expect((await post(app, await signedMessage(), '/', cdn, from('198.51.100.1'))).status).toBe(200)
    const viewer = { ...cdn, 'cloudfront-viewer-address': '203.0.113.10:4711' }
    await expectError(post(app, await signedMessage(), '/', viewer, from('203.0.113.9')), 403, 'forbidden')
  })

  it('everybody may read', async () => {
    const { app } = await appWithAddresses()
    for (const path of ['/', page(), `/${A}/latest`, `/processes/${A}`, '/timestamp']) {
      expect((await app.request(path, {}, from('198.51.100.1'))).status).toBe(200)
    }
  })

  it('nobody may post while it was never read', async () => {
    const { app, unit } = await appWithAddresses()
    unit.lists.addresses = 'never read'
    await expectError(post(app, recordedRaw('msg4'), '/', {}, from('203.0.113.9')), 503, 'unavailable')
  })
})
