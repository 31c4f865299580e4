/** Two whole units behind a router, and clients that know the router's address only. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { audit } from '../conformance/audit.ts'
import { type Item, inParallel, messageItem, messageItems, otherWallet, post, postOnce, processItem } from './client.ts'
import { expectScheduled, expectUploaded } from './schedule.ts'
import { openRegions, type TestRegions } from './stack.ts'

let all: TestRegions
beforeAll(async () => {
  all = await openRegions(2, {}, { instances: 2 })
})
afterAll(() => all.close())

const url = () => all.url
const units = () => all.regions.units.map((unit) => unit.url)

const processItems = (count: number, name: string): Promise<Item[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => processItem(`${name} ${i}`)))

/** Where the router sends who asks for this; the path and query are as asked. */
async function leadsTo(path: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(url() + path, { ...init, redirect: 'manual' })
  expect(response.status, await response.text()).toBe(307)
  const location = response.headers.get('location') ?? ''
  const { origin } = new URL(location)
  expect(location).toBe(origin + path)
  return origin
}

const unitOf = (process: string): Promise<string> => leadsTo(`/${process}?process-id=${process}&limit=1`)

/** Units on which a process is, each asked itself. */
async function unitsWith(process: string): Promise<string[]> {
  const found = await Promise.all(
    units().map(async (unit) => ((await fetch(`${unit}/processes/${process}`)).status === 200 ? [unit] : [])),
  )
  return found.flat()
}

/** Each of them is on one unit, and the router leads there. */
async function expectOnOneUnit(processes: readonly Item[]): Promise<string[]> {
  const places = await inParallel(processes, 4, async ({ id }) => {
    const unit = await unitOf(id)
    expect(await unitsWith(id)).toEqual([unit])
    return unit
  })
  return places
}

/** A process on each unit, in their order. */
async function oneOnEach(name: string): Promise<[Item, Item]> {
  const found = new Map<string, Item>()
  for (let i = 0; found.size < 2; i++) {
    expect(i, 'spawns until both units had one').toBeLessThan(6)
    const process = await processItem(`${name} ${i}`)
    await post(url, process)
    found.set(await unitOf(process.id), process)
  }
  const [first, second] = units().map((unit) => found.get(unit))
  if (!first || !second) throw new Error('The router leads to no unit of ours')
  return [first, second]
}

/** Chain and signatures hold, over so many assignments. */
async function expectVerified(process: string, count: number): Promise<void> {
  const { faults, items } = await audit(process, async ({ path }) => {
    const response = await fetch(url() + path)
    return { status: response.status, json: await response.json() }
  })
  expect(faults).toEqual([])
  // With each its message, and the process itself.
  expect(items).toHaveLength(2 * count + 1)
}

const assign = (process: string, transaction: string): Promise<Response> =>
  fetch(`${url()}/?process-id=${process}&assign=${transaction}&base-layer`, { method: 'POST', redirect: 'manual' })

describe('a client that knows the router only', () => {
  it('spawns, writes and reads on both units, and all of it is uploaded', async () => {
    for (const process of await oneOnEach('whole')) {
      const items = await messageItems(process.id, 12)
      await inParallel(items, 4, (item) => post(url, item))
      const edges = await expectScheduled(url(), process.id, items)
      await expectVerified(process.id, 13)
      await expectUploaded(all.regions.gateway, edges, 20_000)
      for (const path of [`/?process-id=${process.id}`, `/timestamp?proc-id=${process.id}`, `/${process.id}/latest`]) {
        expect((await fetch(url() + path)).status, path).toBe(200)
      }
    }
  })

  it('assigns: the router asks the unit, and its answer is the unit’s', async () => {
    const transaction = `${'t'.repeat(42)}A`
    all.regions.gateway?.addTransaction({ id: transaction, confirmations: 100, data: 'settled' })
    for (const { id } of await oneOnEach('assigned')) {
      const response = await assign(id, transaction)
      const answer = (await response.json()) as { id: string; timestamp: number }
      expect(response.status, JSON.stringify(answer)).toBe(200)
      expect(answer).toMatchObject({ id: expect.stringMatching(/^[\w-]{43}$/), timestamp: expect.any(Number) })
      const read = await fetch(`${url()}/${transaction}?process-id=${id}`)
      expect(await read.json()).toMatchObject({ message: null, assignment: { id: answer.id } })
    }
    const [{ id }] = await oneOnEach('refused')
    const refused = await assign(id, `${'u'.repeat(42)}A`)
    expect(refused.status).toBe(400)
    expect(await refused.json()).toMatchObject({ error: expect.any(String), code: 'not-found' })
  })

  it('spawns forty: they are spread over both, and spawning again leads to the same', async () => {
    const processes = await processItems(40, 'spread')
    await inParallel(processes, 4, (process) => post(url, process))
    const places = await expectOnOneUnit(processes)
    const [first = 0, second = 0] = units().map((unit) => places.filter((place) => place === unit).length)
    expect(Math.abs(first - second)).toBeLessThanOrEqual(8)
    await inParallel(processes.slice(0, 10), 4, (process) => post(url, process))
    expect(await Promise.all(processes.slice(0, 10).map(({ id }) => unitOf(id)))).toEqual(places.slice(0, 10))
  })

  it('asks what nobody knows, or nobody can read: a sentence, and nothing is placed', async () => {
    const { id: unknown } = await processItem('never spawned')
    const paths = [
      '/',
      '/timestamp',
      `/${unknown}`,
      `/${unknown}?process-id=${unknown}`,
      '/short',
      '/?process-id=~count/0',
    ]
    for (const path of [...paths, '//evil.example/%2e%2e', '/processes/%00', `/?process-id=${'x'.repeat(5_000)}`]) {
      const response = await fetch(url() + path, { redirect: 'manual' })
      expect([400, 404], path).toContain(response.status)
      expect(await response.json(), path).toMatchObject({ error: expect.any(String) })
    }
    const stray = await messageItem(unknown, 'to nobody')
    const spoilt = Buffer.from(stray.raw)
    spoilt[600] = (spoilt[600] ?? 0) ^ 1
    for (const raw of [stray.raw, spoilt, Buffer.from('garbage')]) {
      expect((await postOnce(url(), { id: '', raw }, 'manual')).status).toBe(400)
    }
    expect((await assign(unknown, unknown)).status).toBe(400)
    expect((await fetch(`${url()}/health`)).status).toBe(200)
  })
})

describe('a unit', () => {
  it('refuses a spawn that is placed on another one or nowhere, and nothing of it is there', async () => {
    const process = await processItem('misled')
    for (const unit of units()) {
      const response = await postOnce(unit, process)
      expect(response.status, await response.clone().text()).toBe(400)
    }
    expect((await postOnce(url(), process, 'manual')).status).toBe(307)
    const own = await unitOf(process.id)
    const other = units().find((unit) => unit !== own) ?? ''
    expect((await postOnce(other, process)).status).toBe(400)
    expect(await unitsWith(process.id)).toEqual([])
    await post(url, process)
    expect((await postOnce(other, process)).status).toBe(400)
    await expectOnOneUnit([process])
  })

  it('is down: its processes wait for it, those of the other go on, and every spawn is answered in the end', async () => {
    const [there, away] = await oneOnEach('half')
    const before = await messageItems(away.id, 3, 'before')
    for (const item of before) await post(url, item)
    await all.regions.units[1]?.kill()

    const items = await messageItems(there.id, 10, 'meanwhile')
    await inParallel(items, 4, (item) => post(url, item))
    await expectScheduled(url(), there.id, items)
    await expect(fetch(`${url()}/${away.id}`)).rejects.toThrow()
    const refused = await assign(away.id, there.id)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toMatch(/^\d+$/)
    expect((await fetch(`${url()}/health`)).status).toBe(200)

    const spawned = await processItems(6, 'while one is down')
    const late = await messageItem(away.id, 'late')
    const waiting = Promise.all([...spawned, late].map((item) => post(url, item)))
    await sleep(500)
    await all.regions.startUnit(1)
    await waiting
    await expectScheduled(url(), away.id, [...before, late])
    for (const unit of await expectOnOneUnit(spawned)) expect(units()).toContain(unit)
  })
})

describe('the router', () => {
  it('killed again and again while many spawn: each process is on one unit, its schedule dense, nothing lost', async () => {
    const processes = await processItems(60, 'through kills')
    const messages = new Map<string, Item>()
    let spawned = 0
    const spawn = async (process: Item): Promise<void> => {
      await post(url, process)
      spawned++
      const message = await messageItem(process.id, 'first')
      messages.set(process.id, message)
      await post(url, message)
    }
    /** A second client that posts the same spawns, and keeps where it was sent. */
    const asked = new Map(processes.map(({ id }) => [id, new Set<string>()]))
    const watch = async (process: Item): Promise<void> => {
      const response = await postOnce(url(), process, 'manual').catch(() => undefined)
      if (response?.status === 307) asked.get(process.id)?.add(response.headers.get('location') ?? '')
    }
    const spawning = Promise.all([inParallel(processes, 8, spawn), inParallel(processes, 2, watch)])
    for (const reached of [5, 15, 25]) {
      while (spawned < reached) await sleep(10)
      for (const pid of all.regions.router.pids('router')) globalThis.process.kill(pid, 'SIGKILL')
    }
    while (spawned < 35) await sleep(10)
    // The whole of it, its table too.
    await all.regions.router.kill()
    expect(spawned).toBeLessThan(60)
    await all.regions.startRouter()
    await spawning

    await expectOnOneUnit(processes)
    await inParallel(processes, 4, async ({ id }) => {
      await expectScheduled(url(), id, [messages.get(id) ?? { id: '' }])
      await expectVerified(id, 2)
    })
    for (const sent of asked.values()) expect(sent.size).toBeLessThanOrEqual(1)
    expect([...asked.values()].some(({ size }) => size === 1)).toBe(true)
  })

  it('started again with other settings: pins hold, everything can be passed on, a list without a unit in use is refused', async () => {
    const [first = '', second = ''] = units()
    const pinned = [{ url: first }, { url: second, wallets_to_route: otherWallet.address, wallets_only: true }]
    await all.regions.router.stop()
    await all.regions.startRouter({ SCHEDULER_LIST: JSON.stringify(pinned), PASS_ON: 'everything' })
    const own = await processItems(4, 'of anybody')
    const theirs = await Promise.all([0, 1, 2].map((i) => processItem(`pinned ${i}`, otherWallet)))
    for (const process of [...own, ...theirs]) {
      const response = await postOnce(url(), process, 'manual')
      expect(response.status, await response.clone().text()).toBe(200)
    }
    for (const { id } of own) expect(await unitsWith(id)).toEqual([first])
    for (const { id } of theirs) expect(await unitsWith(id)).toEqual([second])

    const [process] = own
    if (!process) throw new Error('Nothing was spawned')
    const items = await Promise.all([0, 1, 2, 3].map((i) => messageItem(process.id, `large ${i}`, 700_000)))
    for (const item of items) expect((await postOnce(url(), item, 'manual')).status).toBe(200)
    const page = await fetch(`${url()}/${process.id}?process-id=${process.id}`, { redirect: 'manual' })
    expect(page.status).toBe(200)
    expect(await page.text()).toBe(await (await fetch(`${first}/${process.id}?process-id=${process.id}`)).text())

    await all.regions.router.stop()
    const shorter = JSON.stringify(pinned.slice(0, 1))
    await expect(all.regions.startRouter({ SCHEDULER_LIST: shorter })).rejects.toThrow(`processes: ${second}`)
    await all.regions.startRouter()
    expect(await unitOf(process.id)).toBe(first)
  })
})
