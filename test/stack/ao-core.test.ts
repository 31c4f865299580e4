/** Today's clients against whole units behind a router: the requests of the messenger unit, HyperBEAM and aos-2 readers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSigner } from '../../core/ans104/signer.ts'
import wallets from '../data/conformance/wallets.json' with { type: 'json' }
import { type Item, post } from './client.ts'
import { openRegions, type TestRegions } from './stack.ts'

let all: TestRegions
beforeAll(async () => {
  all = await openRegions(2, {}, { instances: 2 })
})
afterAll(() => all.close())

const wallet = createSigner(wallets.alice)
const tags = (type: string, more: Record<string, string> = {}) =>
  Object.entries({ 'Data-Protocol': 'ao', Variant: 'ao.N.1', Type: type, ...more }).map(([name, value]) => ({
    name,
    value,
  }))
const spawnItem = (name: string): Promise<Item> =>
  wallet.sign({
    tags: tags('Process', { Module: wallet.address, Scheduler: wallet.address }),
    data: Buffer.from(name),
  })
const messageTo = (process: string, data: string): Promise<Item> =>
  wallet.sign({ target: Buffer.from(process, 'base64url'), tags: tags('Message'), data: Buffer.from(data) })

/** As the messenger unit posts to a process of `Variant: ao.N.1`. */
const schedule = (process: string, { raw }: Item): Promise<Response> =>
  fetch(`${all.url}/${process}/~scheduler@1.0/schedule`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/ans104', 'codec-device': 'ans104@1.0' },
    body: new Uint8Array(raw),
  })

async function json(path: string, init?: RequestInit): Promise<Record<string, unknown>> {
  const response = await fetch(all.url + path, init)
  const text = await response.text()
  expect(response.status, text).toBe(200)
  return JSON.parse(text)
}

interface AoCorePage {
  page_info: { has_next_page: boolean }
  edges: { cursor: number; node: { message: { Id: string } } }[]
}

describe('a process of ao.N.1', () => {
  it('is spawned, messaged and read through the router, by AO-Core paths alone', async () => {
    const process = await spawnItem('N.1')
    const spawned = await schedule(process.id, process)
    expect(spawned.status, await spawned.text()).toBe(200)
    expect(spawned.headers.get('process')).toBe(process.id)
    const messages = await Promise.all(['a', 'b', 'c', 'd'].map((data) => messageTo(process.id, data)))
    for (const [index, message] of messages.entries()) {
      const answer = await schedule(process.id, message)
      expect(answer.status, await answer.text()).toBe(200)
      expect(answer.headers.get('slot')).toBe(String(index + 1))
      expect(Number(answer.headers.get('timestamp'))).toBeGreaterThan(0)
    }
    expect(await (await fetch(`${all.url}/${process.id}/slot/current`)).text()).toBe('4')

    const read: string[] = []
    for (let from = 0; ; ) {
      const path = `/~scheduler@1.0/schedule?target=${process.id}&from=${from}&limit=2&accept=application/aos-2`
      const page = (await json(path)) as unknown as AoCorePage
      read.push(...page.edges.map(({ node }) => node.message.Id))
      from = (page.edges.at(-1)?.cursor ?? 0) + 1
      if (!page.page_info.has_next_page) break
    }
    expect(read).toEqual([process.id, ...messages.map(({ id }) => id)])
  })

  it('is signed again as ANS-104 after a 422', async () => {
    const process = await spawnItem('422')
    await schedule(process.id, process)
    const { raw } = await messageTo(process.id, 'signed over HTTP')
    const refused = await fetch(`${all.url}/${process.id}~process@1.0/schedule`, {
      method: 'POST',
      headers: { 'signature-input': 'http-sig=()', 'content-type': 'application/octet-stream' },
      body: new Uint8Array(raw),
    })
    expect(refused.status).toBe(422)
    expect(await refused.json()).toMatchObject({ code: 'ans104-only' })
    expect((await schedule(process.id, await messageTo(process.id, 'signed as ANS-104'))).status).toBe(200)
  })
})

describe('a legacy process', () => {
  it('is read by HyperBEAM as it asks', async () => {
    const process = await spawnItem('legacy')
    await post(() => all.url, process)
    // Current slot of a fresh process.
    expect(await json(`/${process.id}/latest?proc-id=${process.id}`)).toMatchObject({ message: { id: process.id } })
    const message = await messageTo(process.id, 'hello')
    await post(() => `${all.url}/?proc-id=${process.id}`, message)
    expect(await json(`/${message.id}?process-id=${process.id}`)).toMatchObject({ message: { id: message.id } })
    const cold = await json(`/${process.id}?proc-id=${process.id}&from-nonce=-1&limit=1000`)
    expect((cold.edges as { cursor: string }[]).map(({ cursor }) => cursor)).toEqual(['0', '1'])
    expect(await json(`/1?process-id=${process.id}`)).toMatchObject({ message: { id: message.id } })
    const newest = await json(`/${process.id}?sort=DESC&limit=1`)
    expect(newest.edges).toMatchObject([{ cursor: '1' }])
  })

  it('is followed without polling, and asked for its head beside others', async () => {
    const [followed, other] = await Promise.all([spawnItem('followed'), spawnItem('other')])
    for (const process of [followed, other]) await post(() => all.url, process)
    const waiting = json(`/${followed.id}?from-nonce=0&wait=20`)
    const message = await messageTo(followed.id, 'news')
    await post(() => all.url, message)
    expect((await waiting).edges).toMatchObject([{ node: { message: { id: message.id } } }])

    const heads = await json('/heads', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ processes: [followed.id, other.id, wallet.address] }),
    })
    expect(heads).toEqual({
      [followed.id]: { nonce: 1, timestamp: expect.any(Number) },
      [other.id]: { nonce: 0, timestamp: expect.any(Number) },
      [wallet.address]: null,
    })
  })
})
