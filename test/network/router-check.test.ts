/** ENABLE_ROUTER_CHECK over HTTP. */
import { randomBytes } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createRouterCheck } from '../../network/router-check.ts'
import { ownPlacementBehaviours } from '../suites/own-placement.ts'
import { deadUrl, type OutsideServer, send, startOutsideServer } from './outside-server.ts'

const ownUrl = 'https://su-1.example.com'
const otherUrl = 'https://su-2.example.com'
const process = randomBytes(32).toString('base64url')

ownPlacementBehaviours("the router's redirect", async () => {
  const placed = new Map<string, string>()
  let down = false
  const server = await startOutsideServer(({ path, search }, response) => {
    if (down) return send(response, 503, 'no')
    const url = placed.get(path.slice(1))
    if (url === undefined) return send(response, 400, { error: 'placed nowhere' })
    send(response, 307, '', { location: `${url}${path}${search}` })
  })
  return {
    placement: createRouterCheck({ routerUrl: server.url, ownUrl, deadlineMs: 1_500 }),
    ownUrl,
    otherUrl,
    async place(id, url) {
      placed.set(id, url)
    },
    setDown(isDown) {
      down = isDown
    },
    close: () => server.close(),
  }
})

async function asking(answer: OutsideServer['answer'], own = ownUrl) {
  const server = await startOutsideServer(answer)
  onTestFinished(() => server.close())
  return { server, placement: createRouterCheck({ routerUrl: `${server.url}/`, ownUrl: own, deadlineMs: 1_000 }) }
}

describe('the question to the router', () => {
  it('names the process in path and query, and follows no redirect', async () => {
    const { server, placement } = await asking((_, response) => send(response, 307, '', { location: `${ownUrl}/x` }))
    await placement.claim(process)
    expect(server.requests).toMatchObject([{ method: 'GET', path: `/${process}`, search: `?process-id=${process}` }])
  })

  it.each([301, 302, 303, 307, 308])('is answered by a redirect to the own origin (%s)', async (status) => {
    const location = `${ownUrl}/${process}?process-id=${process}`
    const { placement } = await asking((_, response) => send(response, status, '', { location }))
    await placement.claim(process)
  })

  it('takes no notice of how the own address is written', async () => {
    const location = `https://su-1.example.com:443/${process}`
    const { placement } = await asking(
      (_, response) => send(response, 307, '', { location }),
      'https://SU-1.example.com/',
    )
    await placement.claim(process)
  })

  it.each([
    ['a redirect elsewhere', 307, { location: `${otherUrl}/${process}` }],
    ['a redirect to another port', 307, { location: `${ownUrl}:8443/${process}` }],
    ['a redirect to another scheme', 307, { location: 'http://su-1.example.com/' }],
    ['a redirect to a name that begins alike', 307, { location: `${ownUrl}.elsewhere.com/` }],
    ['a redirect to itself', 307, { location: `/${process}` }],
    ['a redirect to no address', 307, { location: 'https://' }],
    ['a redirect to nowhere', 307, {}],
    ['a page', 200, {}],
    ['a location that is no redirect', 200, { location: `${ownUrl}/${process}` }],
    ['not modified', 304, { location: `${ownUrl}/${process}` }],
    ['an error of ours', 400, {}],
    ['not found', 404, {}],
  ])('%s refuses, and is not asked again', async (_, status, headers) => {
    const { server, placement } = await asking((_request, response) => send(response, status, '', headers))
    await expect(placement.claim(process)).rejects.toMatchObject({ code: 'invalid-message' })
    expect(server.requests).toHaveLength(1)
  })

  it.each([429, 500, 502, 503, 504])('%s is no answer', async (status) => {
    const { placement } = await asking((_, response) => send(response, status, 'no'))
    await expect(placement.claim(process)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('is asked again after a failure that passes', async () => {
    let failures = 2
    const { placement } = await asking((_, response) =>
      failures-- > 0 ? send(response, 502, 'no') : send(response, 307, '', { location: `${ownUrl}/` }),
    )
    await placement.claim(process)
  })

  it('a router that is away or hangs is no answer, in time', async () => {
    const away = createRouterCheck({ routerUrl: await deadUrl(), ownUrl, deadlineMs: 500 })
    await expect(away.claim(process)).rejects.toMatchObject({ code: 'unavailable' })
    const { placement } = await asking(() => {})
    await expect(placement.claim(process)).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('holds ids only', async () => {
    const { server, placement } = await asking((_, response) => send(response, 307, '', { location: `${ownUrl}/` }))
    for (const none of ['', '../admin', 'x?y=', `${process}/`]) {
      await expect(placement.claim(none)).rejects.toMatchObject({ code: 'invalid-request' })
    }
    expect(server.requests).toEqual([])
  })
})
