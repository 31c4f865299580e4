/** Router and units together, over HTTP: a client that knows the router alone. */
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../../core/ports/clock.ts'
import { A, B, recorded, recordedRaw, signedMessage, signedProcess } from '../../../core/schedule/items.ts'
import { createUnitApp } from '../app/unit-app.ts'
import { createRouterWorld, ROUTER_SECRETS, served, unitAt } from './router-world.ts'

async function routerAndTwoUnits(everything: boolean) {
  const units = [0, 1].map(() => createUnitApp({ clock: systemClock, parts: { routerSecrets: ROUTER_SECRETS } }))
  const urls = await Promise.all(units.map(({ app }) => served(() => app)))
  const world = createRouterWorld({
    units: urls.map((url) => unitAt(url)),
    clock: systemClock,
    parts: { passOn: { everything, secrets: ROUTER_SECRETS } },
  })
  return { ...world, units, urls, url: await served(() => world.app) }
}

const post = (url: string, body: Buffer) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(body),
  })

describe.each([
  ['that redirects', false],
  ['that passes everything on', true],
])('through a router %s', (_, everything) => {
  it('a client spawns, writes, reads and assigns as at one unit', async () => {
    const { url, units } = await routerAndTwoUnits(everything)
    const processes = await Promise.all(Array.from({ length: 6 }, (_, index) => signedProcess({ data: `${index}` })))
    for (const process of processes) {
      expect(await (await post(url, process.raw)).json()).toMatchObject({ id: process.id })
      const message = await signedMessage({ target: process.id })
      expect(await (await post(`${url}/?x=1`, message.raw)).json()).toMatchObject({ id: message.id })
      const assigned = await fetch(`${url}/?process-id=${process.id}&assign=${recorded.txs.base.id}&base-layer`, {
        method: 'POST',
        // As the MU asks, which follows no redirect here.
        redirect: 'manual',
      })
      expect(assigned.status).toBe(200)
      const page = await (await fetch(`${url}/${process.id}?process-id=${process.id}`)).json()
      expect(page).toMatchObject({ edges: Array.from({ length: 3 }, () => ({ cursor: expect.any(String) })) })
      const record = await (await fetch(`${url}/${message.id}?process-id=${process.id}`)).json()
      expect(record).toMatchObject({ message: { id: message.id } })
      expect((await fetch(`${url}/${process.id}/latest`)).status).toBe(200)
      expect(await (await fetch(`${url}/processes/${process.id}`)).json()).toMatchObject({ process_id: process.id })
    }
    for (const { unit } of units) {
      const heads = await Promise.all(processes.map(({ id }) => unit.store.head(id)))
      expect(heads.filter((head) => head !== undefined)).toHaveLength(3)
    }
  })
})

describe('the IP list of a unit', () => {
  const assign = `/?process-id=${A}&assign=${recorded.txs.base.id}&base-layer`

  /** A router that is reached by anybody, whose only unit lets one address post. */
  async function withIpList(routerSecrets: typeof ROUTER_SECRETS | undefined, addresses: string[]) {
    const { app, unit } = createUnitApp({ clock: systemClock, parts: { routerSecrets } })
    await app.request('/', { method: 'POST', body: new Uint8Array(recordedRaw('procA')) })
    unit.lists.addresses = new Set(addresses)
    const url = await served(() => app)
    const router = createRouterWorld({ units: [unitAt(url)], clock: systemClock })
    await router.settle(A, url)
    const ask = (sourceIp: string) =>
      router.app.request(assign, { method: 'POST' }, { requestContext: { http: { sourceIp } } })
    return { ask, url }
  }

  it('judges the caller, not the router', async () => {
    const { ask, url } = await withIpList(ROUTER_SECRETS, ['203.0.113.9'])
    expect((await ask('203.0.113.9')).status).toBe(200)
    expect((await ask('203.0.113.10')).status).toBe(403)
    // Who claims to be a router without the secret is nobody.
    const claim = { 'x-router-caller': '203.0.113.9', 'x-router-proof': `${Date.now()}.${'0'.repeat(64)}` }
    expect((await fetch(url + assign, { method: 'POST', headers: claim })).status).toBe(403)
  })

  it('does not let everybody in because it lets the router in', async () => {
    const { ask } = await withIpList(ROUTER_SECRETS, ['127.0.0.1'])
    expect((await ask('203.0.113.9')).status).toBe(403)
  })

  it('judges the router where the unit has no secret', async () => {
    const { ask } = await withIpList(undefined, ['127.0.0.1'])
    expect((await ask('203.0.113.9')).status).toBe(200)
  })
})

it('a process that is unknown to its unit is so through the router', async () => {
  const { url, settle, urls } = await routerAndTwoUnits(false)
  await settle(B, urls[0] ?? '')
  const response = await fetch(`${url}/${B}`)
  expect([response.status, response.redirected]).toEqual([400, true])
})
