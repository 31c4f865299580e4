/** What each function's process holds at its peak under a hard load, beside the memory that it is given: over the local stack, router and all. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FunctionName, functions } from '../infra/functions.ts'
import { parseOptions } from '../local/options.ts'
import { type Regions, startRegions } from '../local/regions.ts'
import { makeMessages, makeProcess, makeWallet, type Post } from './items.ts'
import { Client, type Request } from './load.ts'
import { heading, megabytes } from './report.ts'

/** @param some how many requests, of so many as a whole run makes */
export async function measureMemory(some: (count: number) => number): Promise<void> {
  const stateDir = mkdtempSync(join(tmpdir(), 'su-bench-'))
  // All bytes go through the router, too.
  const options = parseOptions({ LOG_LEVEL: 'error', ...process.env, PASS_ON: 'everything', STATE_DIR: stateDir })
  const regions = await startRegions({ ...options, port: 0, instances: 2 }, 1)
  try {
    const peaks = watchPeaks(regions)
    await load(regions, some)
    heading('Memory: the peak of a process under load, beside what the function is given')
    for (const [name, bytes] of peaks()) megabytes(name, bytes, functions[name].memory)
  } finally {
    await regions.stop()
    rmSync(stateDir, { recursive: true, force: true })
  }
}

/** Processes whose uploads the relay has under way at once: each holds two batches of large bodies (core/relay/batch.ts). */
const FULL = 8

async function load({ url, gateway, units: [unit], router }: Regions, some: (count: number) => number): Promise<void> {
  const client = new Client(url)
  const wallet = makeWallet()
  const answered = async (requests: readonly Request[], clients: number) => {
    const { refused } = await client.run(requests, clients)
    if (refused.size > 0) throw new Error(`Not all were answered: ${[...refused].join(' ')}`)
  }
  const posts = (items: readonly Post[]) => items.map(({ raw }): Request => ({ method: 'POST', path: '/', body: raw }))
  const pages = ({ id }: Post, query: string) =>
    Array.from({ length: some(60) }, (): Request => ({ path: `/${id}?process-id=${id}&${query}` }))

  const [small, ...full] = await Promise.all(Array.from({ length: 1 + FULL }, () => makeProcess(wallet)))
  if (small === undefined) throw new Error('There is no process')
  await answered(posts([small, ...full]), 4)
  await answered(posts(await makeMessages(wallet, small.id, some(1_500), 512)), 8)
  await answered(posts(await makeMessages(wallet, small.id, some(1_100), 3_000)), 8)
  await answered(pages(small, `from-nonce=${some(1_500)}&limit=5000`), 4)
  // The largest that are taken, to many processes, while the bundler is slow: the relay holds what it sends.
  gateway?.addFault({ match: 'POST /tx', delayMs: 1_500 })
  for (let round = 0; round < 4; round++) {
    const items = await Promise.all(full.map(({ id }) => makeMessages(wallet, id, 1, 4_400_000)))
    await answered(posts(items.flat()), 4)
  }
  for (const process of full.slice(0, 2)) await answered(pages(process, 'from-nonce=0&limit=5000'), 4)
  await sleep(5_000)
  gateway?.clearFaults()
  client.close()

  for (let i = 0; i < 20; i++) for (const name of ['reconciler', 'height'] as const) await unit?.invoke(name)
  const placements = { from: unit?.environment.DATABASE_URL, units: { 'http://other.example': unit?.url } }
  await router.invoke('migPlacements', { placements })
  await unit?.invoke('mig', { messages: { from: unit.environment.DATABASE_URL } })
}

/** Linux only: elsewhere nothing says what a process held at its peak. Gives the largest of each function's instances so far. */
function watchPeaks({ units, router }: Regions): () => ReadonlyMap<FunctionName, number> {
  const peaks = new Map<FunctionName, number>()
  const look = () => {
    const pids: [FunctionName, number[]][] = [
      ...(['su', 'relay', 'packer', 'reconciler', 'height', 'mig'] as const).map((name): [FunctionName, number[]] => [
        name,
        units.flatMap((unit) => unit.pids(name)),
      ]),
      ...(['router', 'migPlacements'] as const).map((name): [FunctionName, number[]] => [name, router.pids(name)]),
    ]
    for (const [name, all] of pids) peaks.set(name, Math.max(peaks.get(name) ?? 0, ...all.map(peakOf)))
  }
  const timer = setInterval(look, 500)
  return () => {
    look()
    clearInterval(timer)
    return peaks
  }
}

/** Bytes. */
function peakOf(pid: number): number {
  try {
    const [, kilobytes = '0'] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(kilobytes) * 1024
  } catch {
    // It has ended since.
    return 0
  }
}
