/** AO-Core paths of the unit, asked as HyperBEAM, the messenger unit, aoconnect and HyperBEAM's compute unit ask them. */
import { describe, expect, it } from 'vitest'
import { signLocation } from '../../../../core/location/location.ts'
import {
  A,
  alice,
  idFrom,
  recordedItem,
  recordedRaw,
  signedItem,
  signedMessage,
  signedProcess,
  tagList,
} from '../../../core/schedule/items.ts'
import { expectError, filledApp, getJson, jsonOf, post } from './asking.ts'
import { createUnitApp, type UnitApp } from './unit-app.ts'

const ANS104 = { 'content-type': 'application/ans104', 'codec-device': 'ans104@1.0' }

interface Edge {
  cursor: number
  node: { message: Record<string, unknown>; assignment: Record<string, unknown> }
}
const edgesOf = (body: Record<string, unknown>) => body.edges as Edge[]
const cursorsOf = (body: Record<string, unknown>) => edgesOf(body).map(({ cursor }) => cursor)
const assignmentOf = async ({ unit }: UnitApp, nonce: number) => {
  const [record] = await unit.store.records(A, nonce, nonce)
  return record
}

describe('POST …/schedule', () => {
  it.each([
    ['under the process, as the messenger unit does', `/${A}/~scheduler@1.0/schedule`],
    ['by target', `/~scheduler@1.0/schedule?target=${A}`],
    ['without naming the process', '/~scheduler@1.0/schedule'],
    ['through the process device', `/${A}~process@1.0/schedule`],
    ['plainly', `/${A}/schedule`],
  ])('schedules a message %s, and answers 200 with its place in headers and body', async (_, path) => {
    const unitApp = await filledApp()
    const { raw, id } = await signedMessage({ data: 'hello' })
    const response = await post(unitApp.app, raw, path, ANS104)
    expect(response.status).toBe(200)
    const record = await assignmentOf(unitApp, 4)
    const body = await jsonOf(response)
    expect(body).toMatchObject({
      process: A,
      slot: 4,
      id,
      timestamp: record?.timestamp,
      'block-height': record?.blockHeight,
      epoch: '0',
      variant: 'ao.TN.1',
      type: 'Assignment',
    })
    expect(body.assignment).toMatch(/^[\w-]{43}$/)
    expect(body['hash-chain']).toMatch(/^[\w-]{43}$/)
    for (const [name, value] of Object.entries(body)) expect(response.headers.get(name)).toBe(String(value))
    expect(response.headers.get('ao-types')).toBe('block-height="integer", slot="integer", timestamp="integer"')
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  it('answers a retry with what it answered before', async () => {
    const { app } = await filledApp()
    const { raw } = await signedMessage({ data: 'again' })
    const first = await jsonOf(post(app, raw, `/${A}/schedule`, ANS104))
    expect(await jsonOf(post(app, raw, `/${A}/schedule`, ANS104))).toEqual(first)
  })

  it('spawns a process, whose id comes as a header', async () => {
    const { app } = createUnitApp()
    const { raw, id } = await signedProcess({ tags: { Variant: 'ao.N.1' } })
    const response = await post(app, raw, `/${id}/~scheduler@1.0/schedule`, ANS104)
    expect(response.status).toBe(200)
    expect(response.headers.get('process')).toBe(id)
    expect(response.headers.get('slot')).toBe('0')
  })

  it('gives no slot to a process without an assignment', async () => {
    const { app } = createUnitApp({ rules: { processAssignment: false } })
    const { raw, id } = await signedProcess()
    const response = await post(app, raw, '/~scheduler@1.0/schedule', ANS104)
    expect(response.headers.get('process')).toBe(id)
    expect(response.headers.has('slot')).toBe(false)
    expect(Number(response.headers.get('timestamp'))).toBeGreaterThan(0)
    expect(await jsonOf(response)).not.toHaveProperty('assignment')
  })

  it('refuses an item for another process than the one in the path, and changes nothing', async () => {
    const { app, unit } = await filledApp()
    const { raw } = await signedMessage()
    await expectError(post(app, raw, `/${idFrom('other')}/schedule`, ANS104), 400, 'process-mismatch')
    expect((await unit.store.head(A))?.next).toBe(4)
  })

  it('says of other encodings that it takes ANS-104, by which clients sign again', async () => {
    const { app } = await filledApp()
    const path = `/${A}/schedule`
    const { raw } = await signedMessage()
    for (const headers of [
      { 'content-type': 'application/octet-stream' },
      { 'content-type': 'multipart/form-data; boundary=x' },
      { 'content-type': 'application/json' },
      { 'content-type': 'application/ans104', 'codec-device': 'httpsig@1.0' },
      { 'signature-input': 'sig=()' },
    ]) {
      const body = await expectError(post(app, raw, path, headers), 422, 'ans104-only')
      expect(body.error).toContain('ANS-104')
    }
    // The retry of aoconnect: the same request, signed as ANS-104.
    expect((await post(app, raw, path, { 'codec-device': 'ans104@1.0' })).status).toBe(200)
  })

  it('judges an item by the rules of POST /', async () => {
    const { app } = await filledApp()
    const { raw } = await signedItem({ target: A, tags: { 'Data-Protocol': 'ao' } })
    await expectError(post(app, raw, `/${A}/schedule`, ANS104), 400, 'invalid-message')
    await expectError(post(app, Buffer.from('garbage'), `/${A}/schedule`, ANS104), 400, 'invalid-item')
  })
})

describe('GET …/schedule', () => {
  it('is a page of application/aos-2', async () => {
    const unitApp = await filledApp()
    const { app, unit } = unitApp
    const response = await app.request(`/~scheduler@1.0/schedule?target=${A}&accept=application/aos-2`)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const body = await jsonOf(response)
    const height = await unit.scheduler.height.current()
    expect(body.page_info).toEqual({
      process: A,
      has_next_page: false,
      timestamp: String(unit.clock.now()),
      'block-height': String(height),
    })
    expect(cursorsOf(body)).toEqual([0, 1, 2, 3])
    const [process, message] = edgesOf(body)
    expect(process?.node.message).toMatchObject({ Id: A, Target: '' })
    const item = recordedItem('msg1')
    expect(message?.node.message).toEqual({
      Id: item.id,
      Anchor: item.anchor.toString('utf8'),
      Owner: expect.stringMatching(/^[\w-]{43}$/),
      From: expect.stringMatching(/^[\w-]{43}$/),
      Tags: item.tags,
      Target: A,
      Data: 'message 1',
      Signature: item.signature.toString('base64url'),
      PublicKey: item.owner.toString('base64url'),
    })
    expect(message?.node.assignment).toMatchObject({ Anchor: '', Target: '', Data: '', Owner: unit.signer.address })
    expect(message?.node.assignment.Tags).toContainEqual({ name: 'Nonce', value: '1' })
  })

  it('has both bounds inclusive, and empty pages instead of errors', async () => {
    const { app } = await filledApp()
    const cursors = async (query: string) => cursorsOf(await getJson(app, `/${A}~process@1.0/schedule?${query}`))
    expect(await cursors('from=1&to=2')).toEqual([1, 2])
    expect(await cursors('from=0&to=0')).toEqual([0])
    expect(await cursors('from=&from=2')).toEqual([2, 3])
    expect(await cursors('from=-5&to=1')).toEqual([0, 1])
    expect(await cursors('from+Integer=3')).toEqual([3])
    expect(await cursors('from=9')).toEqual([])
    expect(await cursors('from=3&to=1')).toEqual([])
    await expectError(app.request(`/${A}/schedule?from=x`), 400, 'invalid-request')
    await expectError(app.request(`/${A}/schedule?limit=0`), 400, 'invalid-request')
    await expectError(app.request(`/${A}/schedule?to=99999999999`), 400, 'invalid-request')
  })

  it('is read to its end by `last cursor + 1`, as aos-2 readers do', async () => {
    const { app } = await filledApp()
    const seen: number[] = []
    for (let from = 0; ; ) {
      const body = await getJson(app, `/~scheduler@1.0/schedule?target=${A}&from=${from}&limit=2`)
      seen.push(...cursorsOf(body))
      from = Number(edgesOf(body).at(-1)?.cursor) + 1
      if (!(body.page_info as { has_next_page: boolean }).has_next_page) break
    }
    expect(seen).toEqual([0, 1, 2, 3])
  })

  it('shows an assigned transaction by its id alone', async () => {
    const { app, unit } = await filledApp()
    const transaction = await signedMessage({ data: 'elsewhere' })
    const { id, tags, data } = transaction
    unit.gateway.hold({ id, tags: [...tags], recipient: transaction.target, anchor: transaction.anchor, data })
    expect((await post(app, undefined, `/?process-id=${A}&assign=${transaction.id}`)).status).toBe(200)
    await post(app, (await signedMessage({ data: 'after' })).raw)
    const edges = edgesOf(await getJson(app, `/${A}/schedule?from=4`))
    expect(edges.map(({ cursor }) => cursor)).toEqual([4, 5])
    expect(edges[0]?.node.message).toEqual({ Id: transaction.id })
    expect(edges[1]?.node.message).toMatchObject({ Data: 'after' })
  })

  it('shows data that is no text as null, and who a pushed message is from', async () => {
    const { app } = await filledApp()
    const from = idFrom('sender')
    await post(app, (await signedMessage({ data: Buffer.from([0xff, 0xfe]), tags: { 'from-process': from } })).raw)
    const [edge] = edgesOf(await getJson(app, `/${A}/schedule?from=4`))
    expect(edge?.node.message).toMatchObject({ Data: null, From: from })
  })

  it('is served to everyone who accepts JSON or says nothing, and refuses forms that need HTTP signatures', async () => {
    const { app } = await filledApp()
    const asked = (headers: Record<string, string>, query = '') => app.request(`/${A}/schedule?${query}`, { headers })
    for (const accept of ['*/*', 'application/json', 'application/aos-2', 'text/html, application/http']) {
      expect((await asked({ accept })).status).toBe(200)
    }
    expect((await asked({ accept: 'multipart/form-data' }, 'accept=application/aos-2')).status).toBe(200)
    for (const accept of ['application/http', 'multipart/form-data', 'application/httpsig+json']) {
      const body = await expectError(asked({ accept }), 406, 'no-such-form')
      expect(body.available).toEqual(['application/aos-2'])
    }
    await expectError(asked({ 'require-codec': 'httpsig@1.0' }), 406, 'no-such-form')
  })

  it('says 404 of an unknown process, 400 where none is named', async () => {
    const { app } = await filledApp()
    await expectError(app.request(`/${idFrom('none')}/schedule`), 404, 'not-found')
    await expectError(app.request('/~scheduler@1.0/schedule'), 400, 'invalid-request')
  })
})

describe('GET …/slot', () => {
  it('is the last slot, in headers and body', async () => {
    const { app, unit } = await filledApp()
    const response = await app.request(`/${A}/slot`)
    expect(response.headers.get('current')).toBe('3')
    expect(response.headers.get('ao-types')).toBe('block-height="integer", current="integer", timestamp="integer"')
    expect(await jsonOf(response)).toEqual({
      process: A,
      current: 3,
      timestamp: unit.clock.now(),
      'block-height': await unit.scheduler.height.current(),
      addresses: [unit.signer.address],
      variant: 'ao.TN.1',
      'cache-control': 'no-store',
    })
  })

  it('/current is the bare number, also where aoconnect posts an item to ask for it', async () => {
    const { app, unit } = await filledApp()
    const { raw } = await signedMessage()
    for (const response of [
      await app.request(`/${A}/slot/current`),
      await post(app, raw, `/${A}/slot/current`, ANS104),
      await app.request(`/~scheduler@1.0/slot/current?target=${A}`),
    ]) {
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toMatch(/^text\/plain/i)
      expect(response.headers.get('ao-result')).toBe('body')
      expect(await response.text()).toBe('3')
    }
    expect((await unit.store.head(A))?.next).toBe(4)
  })

  it('is -1 where nothing has a nonce', async () => {
    const { app } = createUnitApp({ rules: { processAssignment: false } })
    await post(app, recordedRaw('procA'))
    expect(await (await app.request(`/${A}/slot/current`)).text()).toBe('-1')
    expect((await app.request(`/${A}/schedule`)).status).toBe(200)
  })
})

describe('the scheduler itself', () => {
  it('says who it is', async () => {
    const { app, unit } = createUnitApp()
    expect(await getJson(app, '/~scheduler@1.0/status')).toEqual({ address: unit.signer.address, variant: 'ao.TN.1' })
  })

  it('shows its published location, and no other', async () => {
    let item: Buffer | undefined
    const { app, unit } = createUnitApp({ parts: { location: { published: async () => item } } })
    await expectError(app.request('/~scheduler@1.0/location'), 404, 'not-found')
    const { raw } = await signLocation(unit.signer, { url: 'https://su.example', ttlMs: 1000 })
    item = raw
    for (const path of ['/~scheduler@1.0/location', `/~location@1.0/${unit.signer.address}`]) {
      const response = await app.request(path)
      expect(response.headers.get('content-type')).toBe('application/ans104')
      expect(Buffer.from(await response.arrayBuffer()).equals(raw)).toBe(true)
    }
    await expectError(app.request(`/~location@1.0/${alice.address}`), 404, 'not-found')
  })

  it('does not compute or push: it names the node that does, or says so', async () => {
    const { app, unit } = await filledApp()
    const { raw } = await signedMessage()
    for (const path of ['/push', `/${A}~process@1.0/push`, `/${A}/compute/results=3`, '/~meta@1.0/info/address']) {
      await expectError(post(app, raw, path, ANS104), 404, 'scheduler-only')
    }
    expect((await unit.store.head(A))?.next).toBe(4)
    const led = await filledApp({ parts: { hyperbeamUrl: 'https://hb.example' } })
    const response = await post(led.app, raw, `/${A}~process@1.0/push?x=1`, ANS104)
    expect(response.status).toBe(307)
    expect(response.headers.get('location')).toBe(`https://hb.example/${A}~process@1.0/push?x=1`)
  })

  it('serves none of these paths where they are off', async () => {
    const { app } = await filledApp({ parts: { aoCore: false } })
    await expectError(app.request(`/${A}/schedule`), 404, 'no-such-route')
    await expectError(app.request('/~scheduler@1.0/status'), 404, 'no-such-route')
  })
})

describe('what HyperBEAM asks a legacy scheduler', () => {
  it.each(['proc-id', 'process-id'])('works with %s', async (name) => {
    const { app } = await filledApp()
    const headers = { path: 'x', method: 'GET', 'accept-bundle': 'true', 'ao-peer-port': '8734' }
    const latest = await jsonOf(app.request(`/${A}/latest?${name}=${A}`, { headers }))
    expect(latest).toHaveProperty('assignment')
    const cold = await jsonOf(app.request(`/${A}?${name}=${A}&from-nonce=-1&limit=1000`, { headers }))
    expect((cold.edges as { cursor: string }[]).map(({ cursor }) => cursor)).toEqual(['0', '1', '2', '3'])
    const { raw, id } = await signedMessage({ tags: { 'from-process': idFrom('p') } })
    const posted = await post(app, raw, `/?${name}=${A}`, headers)
    expect(posted.status).toBe(200)
    for (const key of ['ao-result', 'codec-device', 'ao-body-key', 'status', 'signature', 'signature-input']) {
      expect(posted.headers.has(key)).toBe(false)
    }
    expect(await jsonOf(app.request(`/${id}?process-id=${A}`))).toHaveProperty('message')
  })

  it('the latest record of a fresh process is its own', async () => {
    const { app } = createUnitApp()
    await post(app, recordedRaw('procA'))
    expect(await getJson(app, `/${A}/latest?proc-id=${A}`)).toMatchObject({ message: { id: A } })
    const bare = createUnitApp({ rules: { processAssignment: false } })
    await post(bare.app, recordedRaw('procA'))
    await expectError(bare.app.request(`/${A}/latest`), 400, 'not-found')
  })

  it('a large message is exempt from the size limit by from-process, too', async () => {
    const from = idFrom('sender')
    const size = {
      maxBytes: 1000,
      owners: new Set<string>(),
      fromProcesses: new Set([from]),
      fromOwners: new Set([alice.address]),
    }
    const { app } = createUnitApp({ rules: { size } })
    await post(app, recordedRaw('procA'))
    for (const name of ['From-Process', 'from-process']) {
      const { raw } = await signedItem({
        target: A,
        tags: [...tagList({ 'Data-Protocol': 'ao', Type: 'Message' }), { name, value: from }],
        data: 'x'.repeat(2000),
      })
      expect((await post(app, raw)).status).toBe(200)
    }
    await expectError(post(app, (await signedMessage({ data: 'x'.repeat(2000) })).raw), 400, 'message-too-large')
  })
})
