/** AO-Core paths and heads at a router. */
import { describe, expect, it } from 'vitest'
import { A, B, idFrom, recordedRaw, signedMessage } from '../../../core/schedule/items.ts'
import { send } from '../../../network/outside-server.ts'
import { expectError, jsonOf, post } from '../app/asking.ts'
import { createRouterWorld, SU2, unitAt, unitServer } from './router-world.ts'

const ANS104 = { 'content-type': 'application/ans104', 'codec-device': 'ans104@1.0' }

describe('an AO-Core path at a router', () => {
  it.each([
    `/${A}/~scheduler@1.0/schedule?from=1&to=2`,
    `/~scheduler@1.0/schedule?target=${A}&accept=application/aos-2`,
    `/${A}~process@1.0/slot`,
    `/${A}/slot/current`,
  ])('%s leads to the unit of the process, path and query as asked', async (path) => {
    const { app, settle } = createRouterWorld()
    await settle(A, SU2)
    const response = await app.request(path)
    expect(response.status).toBe(307)
    expect(response.headers.get('location')).toBe(`${SU2}${path}`)
  })

  it('leads a message to the unit of its process, and places a spawn', async () => {
    const { app, settle, store } = createRouterWorld()
    await settle(A, SU2)
    const { raw } = await signedMessage()
    const path = `/${A}/~scheduler@1.0/schedule`
    const response = await post(app, raw, path, ANS104)
    expect(response.headers.get('location')).toBe(`${SU2}${path}`)
    const spawned = await post(app, recordedRaw('procB'), `/${B}/schedule`, ANS104)
    const placed = await store.read(B)
    expect(spawned.headers.get('location')).toBe(`${placed?.unit}/${B}/schedule`)
  })

  it('refuses what a unit would refuse, and places nothing', async () => {
    const { app, store } = createRouterWorld()
    await expectError(post(app, recordedRaw('procB'), `/${A}/schedule`, ANS104), 400, 'process-mismatch')
    await expectError(post(app, recordedRaw('procB'), `/${B}/schedule`), 422, 'ans104-only')
    expect(await store.read(B)).toBeUndefined()
    expect((await app.request(`/${A}/schedule`)).status).toBe(404)
    await expectError(app.request('/~scheduler@1.0/schedule'), 400, 'invalid-request')
    await expectError(post(app, undefined, `/${A}~process@1.0/push`, ANS104), 404, 'scheduler-only')
  })
})

describe('POST /heads at a router', () => {
  it('asks each unit for its own processes', async () => {
    const asked: unknown[] = []
    const units = await Promise.all(
      [1, 2].map((nonce) =>
        unitServer(({ body }, response) => {
          const { processes } = JSON.parse(body.toString()) as { processes: string[] }
          asked.push(processes)
          send(response, 200, Object.fromEntries(processes.map((id) => [id, { nonce, timestamp: 5 }])))
        }),
      ),
    )
    const [one, two] = units.map(({ url }) => url)
    const { app, settle } = createRouterWorld({ units: [unitAt(one ?? ''), unitAt(two ?? '')] })
    const none = idFrom('none')
    await settle(A, one ?? '')
    await settle(B, two ?? '')
    const body = Buffer.from(JSON.stringify({ processes: [B, none, A] }))
    expect(await jsonOf(post(app, body, '/heads'))).toEqual({
      [B]: { nonce: 2, timestamp: 5 },
      [none]: null,
      [A]: { nonce: 1, timestamp: 5 },
    })
    expect(asked).toHaveLength(2)
    await expectError(post(app, Buffer.from('[]'), '/heads'), 400, 'invalid-request')
  })
})
