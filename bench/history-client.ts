/** Reading history as a client sees it: the built function behind its URL, beside functions that only stream. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Tag } from '../core/ans104/tags.ts'
import { unitFunctions } from '../infra/functions.ts'
import type { Keeper } from '../local/processes/keeper.ts'
import type { Filled } from './history-filling.ts'
import { host } from './hosted.ts'
import { Client } from './load.ts'
import { readThrough } from './reader-worker.ts'
import { figure, heading, line } from './report.ts'

export async function asClient(
  environment: Record<string, string>,
  { process, messages }: Filled,
  some: (count: number) => number,
  keeper: Keeper,
): Promise<void> {
  const instances = 2
  const settings = unitFunctions.su
  const bare = await host('bench/bare-stream-function.ts', environment, { keeper, instances, settings })
  const unit = await host('functions/su.ts', environment, { keeper, instances, settings })
  const [toBare, toUnit] = [new Client(bare.url), new Client(unit.url)]
  const path = (from: number, limit: number) => `/${process}?process-id=${process}&from-nonce=${from}&limit=${limit}`
  try {
    heading(`Of the built function, ${instances} instances, a process of ${messages} messages`)
    const measure = async (what: string, client: Client, asked: string, count: number, clients: number) =>
      line(
        what,
        await client.run(
          Array.from({ length: some(count) }, () => ({ path: asked })),
          clients,
        ),
        {},
      )
    const { body } = await toUnit.send({ path: path(-1, 1000) })
    await toBare.run(
      Array.from({ length: 40 }, () => ({ path: `/${body.length}` })),
      instances,
    )
    await toUnit.run(
      Array.from({ length: 40 }, () => ({ path: path(-1, 1000) })),
      instances,
    )
    await measure('bare stream of as many bytes', toBare, `/${body.length}`, 60, 1)
    await measure('1000 at the start', toUnit, path(-1, 1000), 60, 1)
    await measure('1000 in the middle', toUnit, path(Math.floor(messages / 2), 1000), 60, 1)
    await measure('1000 at the tail', toUnit, path(messages - 1000, 1000), 60, 1)
    await measure('100 at the tail', toUnit, path(messages - 100, 100), 200, 1)
    await measure('bare stream, 8 clients', toBare, `/${body.length}`, 120, 8)
    await measure('1000 at the start, 8 clients', toUnit, path(-1, 1000), 120, 8)
    await readFromFiles(environment, toUnit, process, keeper)
    const upTo = await newestTimestamp(toUnit, process)
    for (const [what, reading] of [
      ['as pages', { form: 'json' }],
      ['as bundles', { form: 'bundle' }],
      ['as pages, by timestamps', { form: 'json', upTo }],
    ] as const) {
      const { perSecond, bytes, records } = await readThrough({ url: unit.url, process, ...reading })
      const size = `${(bytes / records / 1000).toFixed(1)} KB each`
      figure(`read and verified, ${what}`, perSecond, `messages a second, ${size}`)
    }
    await toUnit.run(
      Array.from({ length: some(200) }, (_, at) => ({ path: path((at * 7_919) % Math.max(1, messages - 1000), 1000) })),
      8,
    )
    for (const pid of unit.pids()) figure('memory of an instance, at most', peakOf(pid), 'MB')
  } finally {
    toBare.close()
    toUnit.close()
    await Promise.all([bare.stop(), unit.stop()])
  }
}

/** The same client, the same pages, from a function that has them in files: how fast it can be read and verified here at all. */
async function readFromFiles(
  environment: Record<string, string>,
  toUnit: Client,
  process: string,
  keeper: Keeper,
): Promise<void> {
  const PAGES_DIR = mkdtempSync(join(tmpdir(), 'bench-pages-'))
  for (let from: string | undefined = '-1'; from !== undefined; ) {
    const { body } = await toUnit.send({ path: `/${process}?process-id=${process}&from-nonce=${from}&limit=1000` })
    writeFileSync(join(PAGES_DIR, from), body)
    const next: string | undefined = /"cursor":"(\d+)"}]}$/.exec(body.toString('latin1', body.length - 64))?.[1]
    from = body.toString('latin1', 0, 64).includes('"has_next_page":true') ? next : undefined
  }
  const settings = unitFunctions.su
  const bare = await host(
    'bench/bare-pages-function.ts',
    { ...environment, PAGES_DIR },
    { keeper, instances: 1, settings },
  )
  try {
    const { perSecond } = await readThrough({ url: bare.url, process, form: 'json' })
    figure('the same pages, from files', perSecond, 'messages a second')
  } finally {
    await bare.stop()
    rmSync(PAGES_DIR, { recursive: true, force: true })
  }
}

/** ms */
async function newestTimestamp(client: Client, process: string): Promise<number> {
  const { body } = await client.send({ path: `/${process}/latest` })
  const { assignment }: { assignment: { tags: Tag[] } } = JSON.parse(body.toString())
  return Number(assignment.tags.find(({ name }) => name === 'Timestamp')?.value)
}

/** MB that a process has held at most. */
function peakOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1000
}
