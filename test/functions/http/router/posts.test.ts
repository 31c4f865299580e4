/** `POST /` at the router: spawns are placed, messages follow their process, and what is wrong gets no further. */
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ownerAddress } from '../../../../core/ans104/data-item.ts'
import {
  A,
  alice,
  B,
  bob,
  idFrom,
  recordedItem,
  recordedRaw,
  signedMessage,
  signedProcess,
} from '../../../core/schedule/items.ts'
import { expectError, from, post } from '../app/asking.ts'
import { behindCdn, CDN_SECRET } from '../app/unit-app.ts'
import { createRouterWorld, SU1, SU2, unitAt } from './router-world.ts'

const locationOf = async (response: Response | Promise<Response>) => {
  const answer = await response
  const location = answer.headers.get('location')
  expect([answer.status, await answer.json()]).toEqual([307, { location }])
  return location
}

describe('a spawn', () => {
  it('is placed before it is answered, and stays there', async () => {
    const { app, store } = createRouterWorld()
    const location = await locationOf(post(app, recordedRaw('procA'), '/?x=1'))
    const placed = await store.read(A)
    expect(location).toBe(`${placed?.unit}/?x=1`)
    expect(placed).toMatchObject({ state: 'provisional' })
    for (let again = 0; again < 5; again++) {
      expect(await locationOf(post(app, recordedRaw('procA')))).toBe(`${placed?.unit}/`)
    }
  })

  it('goes where there are fewest', async () => {
    const { app } = createRouterWorld()
    const locations = new Map<string | null, number>()
    for (let number = 0; number < 10; number++) {
      const location = await locationOf(post(app, await signedProcess({ data: `${number}` })))
      locations.set(location, (locations.get(location) ?? 0) + 1)
    }
    expect(locations).toEqual(
      new Map([
        [`${SU1}/`, 5],
        [`${SU2}/`, 5],
      ]),
    )
  })

  it('goes to the unit of its owner’s wallet', async () => {
    const wallets = new Set([ownerAddress(alice.owner)])
    const { app } = createRouterWorld({ units: [unitAt(SU1), unitAt(SU2, { wallets, walletsOnly: true })] })
    expect(await locationOf(post(app, await signedProcess({ signer: alice })))).toBe(`${SU2}/`)
    for (let number = 0; number < 3; number++) {
      expect(await locationOf(post(app, await signedProcess({ signer: bob, data: `${number}` })))).toBe(`${SU1}/`)
    }
  })

  it('that no unit takes is 503 with a time to come back', async () => {
    const { app } = createRouterWorld({ units: [unitAt(SU1, { routed: false })] })
    await expectError(post(app, recordedRaw('procA')), 503, 'unavailable')
  })

  it('is sent on whatever the query and the headers say', async () => {
    const { app } = createRouterWorld()
    for (const path of [`/?process-id=${B}`, '/?process-id=x', '/?base-layer&exclude=a']) {
      expect(await locationOf(post(app, recordedRaw('procA'), path))).toMatch(/^https:\/\/su[12]\.example\/\?/)
    }
    expect(await locationOf(post(app, gzipSync(recordedRaw('procB')), '/', { 'content-encoding': 'gzip' }))).toMatch(
      /^https:\/\/su[12]\.example\/$/,
    )
  })

  it('is no business of the allow-list, which rules reads', async () => {
    const { app, lists } = createRouterWorld()
    lists.processes = new Map()
    await locationOf(post(app, recordedRaw('procA')))
  })
})

describe('a message', () => {
  it('follows its process', async () => {
    const { app, settle } = createRouterWorld()
    await settle(A, SU1)
    await settle(B, SU2)
    expect(await locationOf(post(app, recordedRaw('msg1')))).toBe(`${SU1}/`)
    expect(await locationOf(post(app, recordedRaw('msgB1'), '/?x=1'))).toBe(`${SU2}/?x=1`)
    expect(await locationOf(post(app, recordedRaw('msgB1'), `/?process-id=${A}`))).toBe(`${SU2}/?process-id=${A}`)
  })

  it('to a process that is not known is 400', async () => {
    const { app } = createRouterWorld()
    await expectError(post(app, await signedMessage({ target: idFrom('nobody') })), 400, 'not-found')
  })
})

describe('what is wrong', () => {
  it.each([
    ['msgBadSignature', 'invalid-item'],
    ['msgTampered', 'invalid-item'],
    ['msgTruncated', 'invalid-item'],
    ['msgBadSigType', 'invalid-item'],
    ['msgEthBadSignature', 'invalid-item'],
    ['msgSolana', 'invalid-item'],
    ['msgNoType', 'invalid-message'],
    ['msgBadType', 'invalid-message'],
    ['msgNoProtocol', 'invalid-message'],
    ['msgNoTarget', 'invalid-message'],
    ['msgLink', 'invalid-message'],
    ['procNoModule', 'invalid-message'],
    ['procNoScheduler', 'invalid-message'],
  ] as const)('%s is refused, and nobody is asked', async (name, code) => {
    const { app, settle, calls } = createRouterWorld()
    await settle(A, SU1)
    await expectError(post(app, recordedRaw(name)), 400, code)
    expect(calls).toEqual([])
  })

  it('a spawn whose signature is wrong is not placed', async () => {
    const { app, store } = createRouterWorld()
    const raw = Buffer.from(recordedRaw('procA'))
    raw[raw.length - 1] = (raw[raw.length - 1] ?? 0) ^ 1
    await expectError(post(app, raw), 400, 'invalid-item')
    expect(await store.counts()).toEqual(new Map())
  })

  it('other signatures are taken where they are configured', async () => {
    const { app, settle } = createRouterWorld({ parts: { signatureTypes: [1, 2, 3] } })
    await settle(A, SU1)
    expect(await locationOf(post(app, recordedRaw('msgSolana')))).toBe(`${SU1}/`)
  })

  it.each([
    ['garbage', Buffer.from('hello')],
    ['nothing', undefined],
    ['zeros', Buffer.alloc(4096)],
  ])('%s', async (_, body) => {
    const { app, calls } = createRouterWorld()
    for (const path of ['/', `/?process-id=${A}`]) await expectError(post(app, body, path), 400, 'invalid-item')
    expect(calls).toEqual([])
  })

  it('10 MB are 413, packed or not, and an unknown packing 415', async () => {
    const { app, calls } = createRouterWorld()
    const large = Buffer.alloc(10_000_000, 1)
    await expectError(post(app, large), 413, 'body-too-large')
    await expectError(post(app, gzipSync(large), '/', { 'content-encoding': 'gzip' }), 413, 'body-too-large')
    await expectError(
      post(app, large.subarray(0, 10), '/', { 'content-encoding': 'snappy' }),
      415,
      'unsupported-encoding',
    )
    expect(calls).toEqual([])
  })

  it('is refused before anything while the placements are away', async () => {
    const { app, store } = createRouterWorld()
    store.faults = {
      before: () => {
        throw new Error('away')
      },
    }
    await expectError(post(app, recordedRaw('msgBadSignature')), 400, 'invalid-item')
    await expectError(post(app, recordedRaw('procA')), 503, 'unavailable')
    await expectError(post(app, recordedRaw('msg1')), 503, 'unavailable')
  })
})

describe('where a list of addresses rules', () => {
  it('those on it may post, and nobody else, whatever they claim', async () => {
    const { app, lists, settle, calls } = createRouterWorld()
    await settle(A, SU1)
    lists.addresses = new Set(['203.0.113.9'])
    await locationOf(post(app, recordedRaw('msg1'), '/', {}, from('203.0.113.9')))
    calls.length = 0
    const claims = { 'x-forwarded-for': '203.0.113.9', 'x-router-caller': '203.0.113.9' }
    for (const body of [recordedRaw('msg1'), recordedRaw('procA'), Buffer.from('garbage')]) {
      await expectError(post(app, body, '/', claims, from('203.0.113.10')), 403, 'forbidden')
    }
    const assign = `/?process-id=${A}&assign=${recordedItem('msgB1').id}`
    await expectError(post(app, undefined, assign, {}, from('203.0.113.10')), 403, 'forbidden')
    expect(calls).toEqual([])
    expect((await app.request(`/${A}`, {}, from('203.0.113.10'))).status).toBe(307)
  })

  it('behind a CDN the viewer counts', async () => {
    const { app, lists, settle } = createRouterWorld({ parts: behindCdn })
    await settle(A, SU1)
    lists.addresses = new Set(['203.0.113.9'])
    const cdn = { 'x-cdn-secret': CDN_SECRET, 'cloudfront-viewer-address': '203.0.113.9:4711' }
    await locationOf(post(app, recordedRaw('msg1'), '/', cdn, from('198.51.100.1')))
    const other = { ...cdn, 'cloudfront-viewer-address': '203.0.113.10:4711' }
    await expectError(post(app, recordedRaw('msg1'), '/', other, from('203.0.113.9')), 403, 'forbidden')
  })
})
