/** The operator's commands on two whole units behind a router, as a process that is written to moves between them. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Item, messageItem, messageItems, post, postOnce, processItem } from '../stack/client.ts'
import { expectScheduled, expectUploaded } from '../stack/schedule.ts'
import { openRegions, type TestRegions } from '../stack/stack.ts'

const stateDir = mkdtempSync(join(tmpdir(), 'su-operator-'))
let all: TestRegions
beforeAll(async () => {
  all = await openRegions(2, {}, { instances: 2, stateDir })
})
afterAll(async () => {
  await all?.close()
  rmSync(stateDir, { recursive: true, force: true })
})

/** The command as an operator calls it: a process of its own. */
const su = (...args: string[]): Promise<{ exit: number; lines: string[]; complaints: string }> =>
  new Promise((resolve) => {
    const env = { PATH: process.env.PATH, STATE_DIR: stateDir }
    execFile(process.execPath, ['operator/main.ts', ...args], { env, timeout: 60_000 }, (error, stdout, stderr) => {
      const exit = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ exit, lines: stdout.split('\n').filter((line) => line !== ''), complaints: stderr })
    })
  })

const url = () => all.url
const regionOf = (unit: string): string => `region-${all.regions.units.findIndex((one) => one.url === unit) + 1}`
const unitOf = async (id: string): Promise<string> =>
  JSON.parse((await su('placement', 'show', id, '--json')).lines[0] ?? '').unit

it('moves a process that is written to: nothing is lost, doubled or uploaded twice', async () => {
  const spawned = await processItem('to be moved')
  await post(url, spawned)
  const { id } = spawned
  const items: Item[] = [...(await messageItems(id, 100, 'before')), await messageItem(id, 'large', 6_000)]
  for (const item of items) await post(url, item)

  const from = await unitOf(id)
  const to = all.regions.units.find((unit) => unit.url !== from)?.url ?? ''
  // Clients that go on whatever happens. A router may remember for a minute where the process was: this one forgets at once.
  let over = false
  const writer = async (name: string) => {
    for (let n = 0; !over; n++) {
      const item = await messageItem(id, `${name} ${n}`)
      await post(() => (over ? to : from), item)
      items.push(item)
    }
  }
  const writers = [1, 2, 3].map((n) => writer(`meanwhile ${n}`))
  const moved = await su('placement', 'move', id, '--from', regionOf(from), '--to', regionOf(to))
  over = true
  expect(moved).toMatchObject({ exit: 0, complaints: '' })
  expect(moved.lines[0]).toContain(`${id}  on ${to}, version 3`)
  await Promise.all(writers)
  expect(await unitOf(id)).toBe(to)

  const refused = await postOnce(from, await messageItem(id, 'too late'))
  expect(refused.status).toBe(503)
  expect(await refused.json()).toMatchObject({ code: 'frozen' })
  for (const item of await messageItems(id, 10, 'after')) {
    await post(() => to, item)
    items.push(item)
  }
  const again = await postOnce(to, items[0] ?? spawned)
  expect(await again.json()).toMatchObject({ id: items[0]?.id })

  const edges = await expectScheduled(to, id, items)
  await expectUploaded(all.regions.gateway, edges, 20_000)
  const ours = new Set(edges.flatMap(({ node }) => [node.assignment.id, node.message?.id]))
  const uploaded = all.regions.gateway?.uploads().filter(({ path, id }) => path.startsWith('/tx') && ours.has(id)) ?? []
  expect(uploaded).toHaveLength(new Set(uploaded.map(({ id }) => id)).size)

  // A router that starts now leads there.
  await all.regions.router.kill()
  await all.regions.startRouter()
  await expectScheduled(url(), id, items)

  // And back.
  const back = await su('placement', 'move', id, '--from', regionOf(to), '--to', regionOf(from), '--json')
  expect(back.exit, back.complaints).toBe(0)
  expect(JSON.parse(back.lines[0] ?? '')).toMatchObject({ process: id, unit: from, version: 4, next: items.length + 1 })
  const last = await messageItem(id, 'last')
  await post(() => from, last)
  await expectScheduled(from, id, [...items, last])
}, 120_000)

it('takes assigned transactions along, and what they are known by', async () => {
  const spawned = await processItem('with assignments')
  await post(url, spawned)
  const { id } = spawned
  const transactions = ['t', 'u', 'v'].map((letter) => `${letter.repeat(42)}A`)
  for (const transaction of transactions) all.regions.gateway?.addTransaction({ id: transaction, data: 'the same' })
  const [one = '', twin = '', base = ''] = transactions
  all.regions.gateway?.addTransaction({ id: base, data: 'settled', confirmations: 100 })
  const assign = async (unit: string, transaction: string, more = '') => {
    const response = await fetch(`${unit}/?process-id=${id}&assign=${transaction}${more}`, { method: 'POST' })
    return { status: response.status, answer: (await response.json()) as { id: string; code?: string } }
  }
  const from = await unitOf(id)
  const to = all.regions.units.find((unit) => unit.url !== from)?.url ?? ''
  const assigned = await assign(from, one)
  expect(assigned.status).toBe(200)
  expect((await assign(from, base, '&base-layer')).status).toBe(200)
  const moved = await su('placement', 'move', id, '--from', regionOf(from), '--to', regionOf(to))
  expect(moved).toMatchObject({ exit: 0, complaints: '' })
  // Asked again it is a retry; its twin is refused.
  expect(await assign(to, one)).toMatchObject({ status: 200, answer: { id: assigned.answer.id } })
  expect(await assign(to, twin)).toMatchObject({ status: 400, answer: { code: 'deep-hash-known', nonce: 1 } })
}, 60_000)

it('abandons a move that cannot be finished, and says what is where', async () => {
  const spawned = await processItem('to stay')
  await post(url, spawned)
  const { id } = spawned
  const from = await unitOf(id)
  const { exit, lines } = await su('placement', 'abandon', id, '--from', regionOf(from))
  expect([exit, lines]).toEqual([0, [`${id}  on ${from}, version 2: was open: there was nothing to abandon`]])
  const adopted = await su('placement', 'adopt', '--unit', regionOf(from))
  expect(adopted).toMatchObject({ exit: 0, lines: [expect.stringContaining(`0 placed on ${from}`)] })
  const listed = await su('units', 'list', '--json')
  expect(listed.exit, listed.complaints).toBe(0)
  expect(listed.lines.map((line) => JSON.parse(line).url).toSorted()).toEqual(
    all.regions.units.map((unit) => unit.url).toSorted(),
  )
  const unknown = await su('placement', 'move', id, '--from', regionOf(from), '--to', 'region-7')
  expect(unknown.exit).toBe(2)
}, 60_000)
