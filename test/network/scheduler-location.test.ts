/** Looking a Scheduler-Location up, at the stand-in for a gateway. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSigner } from '../../core/ans104/signer.ts'
import { signLocation } from '../../core/location/location.ts'
import { type LocalGateway, startGateway } from '../../local/gateway.ts'
import { createBundler } from '../../network/bundler.ts'
import { createLocationSource } from '../../network/scheduler-location.ts'
import wallets from '../data/conformance/wallets.json' with { type: 'json' }

let gateway: LocalGateway
beforeAll(async () => {
  gateway = await startGateway({ blockMs: Number.POSITIVE_INFINITY })
})
afterAll(() => gateway.stop())

const su = createSigner(wallets.su)
const other = createSigner(wallets.bob)
const upload = async ({ id, raw }: { id: string; raw: Buffer }) => {
  expect(await createBundler({ url: gateway.url }).upload(id, raw)).toEqual({ kind: 'taken' })
  return id
}
const publish = async (url: string, ttlMs: number, signer = su) => upload(await signLocation(signer, { url, ttlMs }))
const source = (path = '') => createLocationSource({ graphqlUrl: gateway.url + path, deadlineMs: 1_500 })

describe('the newest Scheduler-Location', () => {
  it('is that of the wallet, whatever else there is', async () => {
    expect(await source().newest(su.address)).toBeUndefined()
    await publish('https://else.example', 5, other)
    await upload(await su.sign({ tags: [{ name: 'Type', value: 'Scheduler-Location' }] }))
    expect(await source().newest(su.address)).toBeUndefined()
    const id = await publish('https://one.example', 7)
    expect(await source().newest(su.address)).toEqual({ id, url: 'https://one.example', ttlMs: 7, at: undefined })
    gateway.setHeight(gateway.height() + 5)
    expect(await source('/graphql').newest(su.address)).toMatchObject({ id, at: expect.any(Number) })
    const next = await publish('https://two.example', 8)
    expect(await source().newest(su.address)).toMatchObject({ id: next })
    expect(await source().newest(other.address)).toMatchObject({ url: 'https://else.example' })
  })

  it('may say too little', async () => {
    const tags = [
      { name: 'Data-Protocol', value: 'ao' },
      { name: 'Type', value: 'Scheduler-Location' },
      { name: 'Time-To-Live', value: 'long' },
    ]
    const id = await upload(await createSigner(wallets.alice).sign({ tags }))
    const found = await source().newest(createSigner(wallets.alice).address)
    expect(found).toEqual({ id, url: undefined, ttlMs: undefined, at: undefined })
  })

  it('is never none because of an outage', async () => {
    for (const fault of [{ status: 503 }, { cut: true }, { status: 200, body: '{"errors":[{"message":"no"}]}' }]) {
      gateway.addFault({ match: 'POST /graphql', ...fault })
      await expect(source().newest(su.address)).rejects.toMatchObject({ code: 'unavailable' })
      gateway.clearFaults()
    }
    await expect(source().newest('nobody')).rejects.toMatchObject({ code: 'invalid-request' })
  })
})
