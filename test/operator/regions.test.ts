/** The operator's commands on two whole units behind a router, as a process that is written to moves between them. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import wallets from '../data/conformance/wallets.json' with { type: 'json' }
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

/** What the operator's own environment has of the wallet. */
let wallet: string | undefined
type Ended = { exit: number; lines: string[]; complaints: string }
/** The command as an operator calls it: a process of its own. */
const command = (args: readonly string[], cwd: string, stateVariables = {}): Promise<Ended> =>
  new Promise((done) => {
    const env = { PATH: process.env.PATH, ...stateVariables, ...(wallet !== undefined && { SU_WALLET: wallet }) }
    const main = resolve('operator/main.ts')
    execFile(process.execPath, [main, ...args], { env, cwd, timeout: 300_000 }, (error, stdout, stderr) => {
      const exit = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      done({ exit, lines: stdout.split('\n').filter((line) => line !== ''), complaints: stderr })
    })
  })
const su = (...args: string[]): Promise<Ended> => command(args, process.cwd(), { STATE_DIR: stateDir })

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
})

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
})

it('shows, verifies, freezes and opens a process where it is, and nowhere else', async () => {
  const spawned = await processItem('to be verified')
  await post(url, spawned)
  const { id } = spawned
  const items = [...(await messageItems(id, 80)), await messageItem(id, 'large', 6_000)]
  for (const item of items) await post(url, item)
  const from = await unitOf(id)
  const to = all.regions.units.find((unit) => unit.url !== from)?.url ?? ''
  await expectUploaded(all.regions.gateway, await expectScheduled(from, id, items), 20_000)
  const [here, there] = [from, to].map((unit) => regionOf(unit).slice('region-'.length))

  expect(await su('process', 'show', id)).toMatchObject({
    exit: 2,
    complaints: expect.stringContaining('--unit 1 or --unit 2'),
  })
  const shown = await su('process', 'show', id, '--unit', here ?? '', '--json')
  expect(shown).toMatchObject({ exit: 0, complaints: '' })
  expect(JSON.parse(shown.lines[0] ?? '')).toMatchObject({
    state: 'open',
    next: items.length + 1,
    unit: from,
    placement: { unit: from },
    sinks: { upload: { behind: 0 } },
  })

  const moved = await su('placement', 'move', id, '--from', here ?? '', '--to', there ?? '')
  expect(moved).toMatchObject({ exit: 0, complaints: '' })
  for (const unit of [here, there]) {
    const verified = await su('verify', id, '--uploads', '--unit', unit ?? '')
    expect(verified).toMatchObject({ exit: 0, lines: [`${id}: ${items.length + 1} records, sound.`] })
  }
  const verified = await su('verify', '--all', '--unit', there ?? '', '--json')
  expect(verified.exit, verified.lines.join()).toBe(0)
  expect(verified.lines.map((line) => JSON.parse(line))).toContainEqual(
    expect.objectContaining({ process: id, faults: 0 }),
  )

  expect(await su('process', 'open', id, '--unit', here ?? '')).toMatchObject({
    exit: 1,
    complaints: `${id}: The process is placed on ${to}, not on ${from}.\n`,
  })
  expect(await su('process', 'freeze', id, '--unit', there ?? '')).toMatchObject({ exit: 0 })
  expect((await postOnce(to, await messageItem(id, 'frozen'))).status).toBe(503)
  expect(await su('process', 'open', id, '--unit', there ?? '')).toMatchObject({ exit: 0 })
  await post(() => to, await messageItem(id, 'again'))
})

it('works on a deployed stage by what its deploy left, from anywhere', async () => {
  const variablesOf = (name: string) => JSON.parse(readFileSync(join(stateDir, name, 'env.json'), 'utf8'))
  const units = { 'us-east-1': variablesOf('region-1'), 'eu-west-1': variablesOf('region-2') }
  const outputs = { stage: 'test', url: all.url, units, router: variablesOf('router') }
  const dir = mkdtempSync(join(tmpdir(), 'su-stage-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  mkdirSync(join(dir, '.sst'))
  writeFileSync(join(dir, '.sst', 'outputs.json'), JSON.stringify(outputs))
  const onStage = (...args: string[]) => command([...args, '--stage', 'test'], dir)

  const spawned = await processItem('on a stage')
  await post(url, spawned)
  const { id } = spawned
  const placed = await onStage('placement', 'show', id, '--json')
  expect(placed, placed.complaints).toMatchObject({ exit: 0 })
  const from = JSON.parse(placed.lines[0] ?? '').unit
  const [here = '', there = ''] = from === units['us-east-1'].URL ? Object.keys(units) : Object.keys(units).reverse()
  expect(await onStage('placement', 'move', id, '--from', here, '--to', there)).toMatchObject({ exit: 0 })
  const shown = await onStage('process', 'show', id, '--region', there, '--json')
  expect(JSON.parse(shown.lines[0] ?? '')).toMatchObject({ state: 'open', awaits: 3 })
  expect(await onStage('verify', id, '--region', there)).toMatchObject({ exit: 0, lines: [`${id}: 1 record, sound.`] })
  expect(await onStage('uploads', 'list', '--region', there)).toMatchObject({
    exit: 0,
    lines: ['0 owed, 0 dead letters.'],
  })
  expect(await onStage('verify', id)).toMatchObject({ exit: 2, complaints: expect.stringContaining('Say which unit') })
  const another = await command(['units', 'list', '--stage', 'prod'], dir)
  expect(another).toMatchObject({ exit: 1, complaints: expect.stringContaining('is of the stage test') })
})

it('publishes where the scheduler is found, as clients look it up', async () => {
  expect(await su('location', 'show')).toMatchObject({
    exit: 1,
    complaints: expect.stringContaining('Nothing is published'),
  })
  // The stack was given its wallet as a variable, which it leaves nowhere.
  expect(await su('location', 'publish', '--url', all.url)).toMatchObject({
    exit: 1,
    complaints: expect.stringContaining('SU_WALLET is missing'),
  })
  wallet = JSON.stringify(wallets.alice)
  const foreign = await su('location', 'publish', '--url', all.url)
  expect(foreign).toMatchObject({ exit: 1, complaints: expect.stringContaining('The log belongs to the wallet') })
  wallet = JSON.stringify(wallets.su)
  expect(await su('location', 'publish', '--url', 'https://old.example')).toMatchObject({ exit: 0 })
  expect(await su('location', 'publish', '--url', all.url)).toMatchObject({
    exit: 1,
    complaints: expect.stringContaining('Another address stands: https://old.example'),
  })
  const published = await su('location', 'publish', '--url', all.url, '--ttl', '60000', '--yes', '--json')
  expect(published).toMatchObject({ exit: 0, complaints: '' })
  const { id } = JSON.parse(published.lines[0] ?? '')
  wallet = undefined
  const shown = await su('location', 'show', '--json')
  expect(JSON.parse(shown.lines[0] ?? '')).toMatchObject({
    address: all.url,
    ours: true,
    published: { id, ttlMs: 60_000 },
  })
  expect(await su('location', 'renew')).toMatchObject({
    exit: 0,
    lines: [expect.stringContaining('Nothing is to be done')],
  })
})

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
})
