/**
 * A unit on MiniStack: AWS's API takes what the resource graph asks for, the built functions run with the credentials of their roles, and
 * the roles' policies suffice. docs/deploy.md says what MiniStack cannot show.
 */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type LocalGateway, startGateway } from '../../local/gateway.ts'
import type { Graph } from '../infra/sst/graph.ts'
import { evaluate, prepare } from '../infra/sst/setup.ts'
import { type Item, messageItem, processItem } from '../stack/client.ts'
import { type Deployment, deploy } from './deployment.ts'
import { type MiniStack, startMiniStack } from './ministack.ts'

/** The account of the graph's ARNs (test/infra/sst/mocks.ts). */
const ACCOUNT = '123456789012'

let stack: MiniStack
let gateway: LocalGateway
let unit: Deployment

beforeAll(async () => {
  await prepare()
  const settings = join(import.meta.dirname, '../infra/sst/settings/emulated.ts')
  const graph = JSON.parse(await evaluate({ stage: 'prod', settings })) as Graph
  gateway = await startGateway({ blockMs: Number.POSITIVE_INFINITY })
  stack = await startMiniStack(ACCOUNT)
  const { url } = gateway
  unit = await deploy(graph, stack.url, { GATEWAY_URL: url, UPLOAD_NODE_URL: url, ARWEAVE_URL_LIST: url })
})

afterAll(async () => {
  unit?.close()
  await stack?.stop()
  await gateway?.stop()
})

const get = (path: string) => fetch(`${unit.url}${path}`, { headers: unit.headers })
const post = ({ raw }: Item) =>
  fetch(`${unit.url}/`, {
    method: 'POST',
    headers: { ...unit.headers, 'content-type': 'application/octet-stream' },
    body: new Uint8Array(raw),
  })

/** Item and assignment of each are with the bundler. */
const uploaded = (count: number) =>
  vi.waitFor(() => expect(new Set(gateway.uploads().map(({ id }) => id)).size).toBe(2 * count), {
    timeout: 45_000,
    interval: 200,
  })

interface Page {
  edges: { node: { assignment: { tags: { name: string; value: string }[] } } }[]
}

const noncesOf = ({ edges }: Page) =>
  edges.map(({ node }) => Number(node.assignment.tags.find(({ name }) => name === 'Nonce')?.value))

describe('a unit on AWS’s API', () => {
  let spawned: Item
  const page = async () => (await (await get(`/${spawned.id}?limit=10`)).json()) as Page

  it('has the height written down', async () => {
    expect(await unit.call('height')).toMatchObject({ error: undefined })
  })

  it('refuses requests that do not come through the CDN', async () => {
    expect((await fetch(`${unit.url}/`)).status).toBe(403)
  })

  it('takes a process and messages, small ones and one that goes to the bucket, and gives them as a page', async () => {
    spawned = await processItem('on AWS’s API')
    expect((await post(spawned)).status).toBe(200)
    expect((await post(await messageItem(spawned.id, 'small'))).status).toBe(200)
    expect((await post(await messageItem(spawned.id, 'large', 50_000))).status).toBe(200)
    expect(noncesOf(await page())).toEqual([0, 1, 2])
  })

  it('has the stream call the relay, which uploads everything', async () => {
    await uploaded(3)
  })

  it('gives the same page and takes more after a restart of all functions', async () => {
    const before = await page()
    await unit.restart()
    expect(await page()).toEqual(before)
    expect((await post(await messageItem(spawned.id, 'after'))).status).toBe(200)
    expect(noncesOf(await page())).toEqual([0, 1, 2, 3])
    await uploaded(4)
  })

  it('lets each scheduled function do its work', async () => {
    for (const name of unit.scheduled) expect(await unit.call(name), name).toMatchObject({ error: undefined })
  })

  it('gave up no batch, and was denied nothing', async () => {
    expect(await unit.givenUp()).toBe(0)
    expect(stack.log()).not.toMatch(/AccessDenied|not authorized/)
  })

  it('is denied what a policy does not allow', async () => {
    const refused = await messageItem(spawned.id, 'refused')
    await unit.setPolicy('su', (policy) => policy.replaceAll('dynamodb:PutItem', 'dynamodb:Nothing'))
    expect((await post(refused)).status).toBeGreaterThanOrEqual(500)
    await unit.setPolicy('su', (policy) => policy)
    await vi.waitFor(async () => expect((await post(refused)).status).toBe(200), { timeout: 30_000, interval: 200 })
  })
})
