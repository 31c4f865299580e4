/** Several units behind a router in one command, and a router alone: up, found, gone without a trace, with their data there again. */
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort, isFree } from '../../local/free-port.ts'
import { parseOptions } from '../../local/options.ts'
import { isAlive } from '../../local/processes/ending.ts'
import { startRegions } from '../../local/regions.ts'
import { startRouterAlone } from '../../local/router.ts'
import { startStack } from '../../local/stack.ts'
import { otherWallet, postOnce, processItem } from '../stack/client.ts'
import { descendants, exited, gone, health, ready, run, workingOn } from './command.ts'
import { temporaryDir } from './host.ts'

/** The first of three free ports, one after the other. */
const threePorts = async (): Promise<number> => {
  for (;;) {
    const first = await freePort()
    const others = await Promise.all([first + 1, first + 2].map((port) => isFree(port, '127.0.0.1')))
    if (!others.includes(false)) return first
  }
}

/** Ends with the test, whatever comes of it. */
const ending = <T extends { stop(): Promise<void> }>(stack: T): T => {
  onTestFinished(() => stack.stop())
  return stack
}

const placeOf = async (url: string, process: string): Promise<string> => {
  const response = await fetch(`${url}/${process}?process-id=${process}`, { redirect: 'manual' })
  expect(response.status).toBe(307)
  return new URL(response.headers.get('location') ?? '').origin
}

const addressAt = async (url: string): Promise<unknown> => {
  const answer: unknown = await (await fetch(url)).json()
  return typeof answer === 'object' && answer !== null && 'address' in answer ? answer.address : answer
}

test('two regions: up, found by commands, killed without a trace, and there again with what was placed', async () => {
  const dir = await temporaryDir()
  const port = await threePorts()
  const variables = { STATE_DIR: dir, PORT: String(port), INSTANCES: '1' }
  writeFileSync(join(dir, 'env.json'), '{"of":"an earlier start"}')
  const first = run(variables, 'node local/start.ts --regions 2')
  await ready(first)
  // The router is healthy when its units take requests, and no sooner.
  const units = [`http://127.0.0.1:${port + 1}`, `http://127.0.0.1:${port + 2}`]
  expect(await Promise.all(units.map(health))).toEqual([200, 200])
  await expect.poll(first.said, { timeout: 20_000 }).toContain('Ready in')
  expect(first.said()).toMatch(
    new RegExp(`Router +${first.url}, .*Region 1 +${units[0]}, .*Region 2 +${units[1]}, `, 's'),
  )
  expect(new Set(await Promise.all(units.map(addressAt))).size).toBe(1)

  expect(existsSync(join(dir, 'env.json'))).toBe(false)
  const environmentIn = (folder: string) => JSON.parse(readFileSync(join(dir, folder, 'env.json'), 'utf8'))
  const router = environmentIn('router')
  expect(router).toMatchObject({ PLACEMENTS_TABLE: 'su-placements', URL: first.url })
  for (const [index, url] of units.entries()) {
    const unit = environmentIn(`region-${index + 1}`)
    expect(unit).toMatchObject({ URL: url, ROUTER_URL: first.url, HEADS_TABLE: 'su-heads' })
    expect(unit.PLACEMENTS_ENDPOINT).toBe(router.PLACEMENTS_ENDPOINT)
    expect(unit.DYNAMODB_ENDPOINT).not.toBe(router.PLACEMENTS_ENDPOINT)
  }
  expect(JSON.stringify([router, environmentIn('region-1')])).not.toContain(
    readFileSync(join(dir, 'router/secret'), 'utf8'),
  )

  const processes = await Promise.all(['a', 'b', 'c', 'd'].map((name) => processItem(name)))
  for (const process of processes) expect((await postOnce(first.url, process, 'manual')).status).toBe(307)
  const places = await Promise.all(processes.map(({ id }) => placeOf(first.url, id)))
  expect(new Set(places)).toEqual(new Set(units))

  const refused = run({ ...variables, PORT: '0' })
  expect(await exited(refused)).toBe(1)
  expect(refused.said()).toContain('Another stack is running')

  const left = descendants(first.process.pid ?? 0)
  first.process.kill('SIGKILL')
  const second = run({ ...variables, REGIONS: '2' })
  await ready(second)
  expect(left.filter(isAlive)).toEqual([])
  expect(await Promise.all(processes.map(({ id }) => placeOf(second.url, id)))).toEqual(places)
  await expect.poll(second.said, { timeout: 20_000 }).toContain('Ready in')

  const rest = descendants(second.process.pid ?? 0)
  second.process.kill('SIGINT')
  expect(await exited(second)).toBe(0)
  await gone(rest)

  const fewer = run(variables, 'node local/start.ts --regions 1')
  expect(await exited(fewer)).toBe(1)
  expect(fewer.said()).toContain(
    `leaves out 1 that still have processes: ${units[1]}. In an earlier start the units were at`,
  )
  await expect.poll(() => workingOn(dir), { timeout: 15_000, interval: 50 }).toEqual([])
})

test('what cannot start ends with a sentence, and leaves nothing running; nor does a kill -9 while it starts', async () => {
  const dir = await temporaryDir()
  const port = await threePorts()
  const taken = createServer().listen(port + 2, '127.0.0.1')
  await once(taken, 'listening')
  onTestFinished(() => void taken.close())
  const started = run({ STATE_DIR: dir, PORT: String(port) }, 'node local/start.ts --regions 2')
  expect(await exited(started)).toBe(1)
  expect(started.said()).toContain(`Port ${port + 2}, that of region 2, is taken`)
  await expect.poll(() => workingOn(dir), { timeout: 15_000, interval: 50 }).toEqual([])

  taken.close()
  for (const ms of [300, 1_500]) {
    const killed = run({ STATE_DIR: dir, PORT: String(port) }, 'node local/start.ts --regions 2')
    await new Promise((resolve) => setTimeout(resolve, ms))
    killed.process.kill('SIGKILL')
    await expect.poll(() => workingOn(dir), { timeout: 15_000, interval: 50 }).toEqual([])
  }

  const wrong = run({ STATE_DIR: dir, PORT: '0', UPLOAD_NODE_URL: 'nonsense' }, 'node local/start.ts --regions 2')
  expect(await exited(wrong)).toBe(1)
  expect(wrong.said()).toContain('UPLOAD_NODE_URL must be an address')
  await expect.poll(() => workingOn(dir), { timeout: 15_000, interval: 50 }).toEqual([])

  const both = run({ STATE_DIR: dir, MODE: 'router' }, 'node local/start.ts --regions 2')
  expect(await exited(both)).toBe(1)
  expect(both.said()).toContain('MODE=router starts a router alone')
})

test('a unit alone and regions in one state directory: neither takes the other’s data, and each says that there is more', async () => {
  const dir = await temporaryDir()
  const options = parseOptions({ STATE_DIR: dir, PORT: '0', INSTANCES: '1' })
  const wallet = () => readFileSync(join(dir, 'wallet.json'), 'utf8')
  const alone = ending(await startStack(options))
  await alone.stop()
  expect(alone.summary.join('\n')).not.toContain('Note')
  const made = wallet()

  const regions = ending(await startRegions(options, 1))
  expect(regions.summary.join('\n')).toMatch(/Note +the processes of a unit that ran alone are in/)
  const process = await processItem('kept')
  expect((await postOnce(regions.url, process, 'manual')).status).toBe(307)
  const unit = await placeOf(regions.url, process.id)
  await regions.stop()

  const again = ending(await startStack(options))
  await again.stop()
  expect(again.summary.join('\n')).toMatch(/Note +the processes of a region are in .* --regions 1 serves them/)
  expect(existsSync(join(dir, 'router', 'env.json'))).toBe(false)

  // Any free port, but for the units: processes are placed on them by their addresses.
  const kept = ending(await startRegions(options, 1))
  expect(await placeOf(kept.url, process.id)).toBe(unit)
  expect(kept.units.map(({ url }) => url)).toEqual([unit])
  await kept.kill()

  const fresh = ending(await startRegions({ ...options, fresh: true }, 1))
  expect((await fetch(`${fresh.url}/${process.id}`, { redirect: 'manual' })).status).toBe(400)
  expect(fresh.summary.join('\n')).not.toContain('Note')
  expect(wallet()).toBe(made)
})

test('a router alone: the list is the operator’s, instances that die are replaced, what it placed stays', async () => {
  const dir = await temporaryDir()
  const list = [
    { url: 'http://127.0.0.1:1/' },
    { url: 'http://127.0.0.1:2', wallets_to_route: otherWallet.address, wallets_only: true },
  ]
  const environment = { STATE_DIR: dir, PORT: '0', INSTANCES: '2', MODE: 'router' }
  const file = join(dir, 'units.json')
  writeFileSync(file, JSON.stringify(list))
  await expect(startRouterAlone(parseOptions(environment))).rejects.toThrow(
    /router cannot start.*SCHEDULER_LIST is missing/s,
  )

  const options = parseOptions({ ...environment, SCHEDULER_LIST_PATH: file })
  const first = ending(await startRouterAlone(options))
  expect(first.summary.join('\n')).toContain(`Router          ${first.url}, 2 instances`)
  const own = await processItem('of anybody')
  const pinned = await processItem('of another', otherWallet)
  for (const process of [own, pinned]) expect((await postOnce(first.url, process, 'manual')).status).toBe(307)
  expect(await placeOf(first.url, own.id)).toBe('http://127.0.0.1:1')
  expect(await placeOf(first.url, pinned.id)).toBe('http://127.0.0.1:2')

  const pids = first.pids('router')
  expect(pids).toHaveLength(2)
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  await expect.poll(() => health(first.url), { timeout: 15_000 }).toBe(200)
  expect(first.pids('router')).not.toEqual(pids)
  expect(first.pids('migPlacements')).toEqual([])
  expect(await first.invoke('migPlacements', {})).toMatchObject({
    kind: 'failed',
    message: expect.stringContaining('placements'),
  })
  await first.kill()

  const second = ending(await startRouterAlone(options))
  expect(await placeOf(second.url, pinned.id)).toBe('http://127.0.0.1:2')
  await second.stop()

  const shorter = parseOptions({ ...environment, SCHEDULER_LIST: JSON.stringify(list.slice(0, 1)) })
  await expect(startRouterAlone(shorter)).rejects.toThrow(
    'leaves out 1 that still have processes: http://127.0.0.1:2. Name them in SCHEDULER_LIST',
  )
})
