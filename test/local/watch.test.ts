/** `npm run dev`: a change of a source is built again, a broken one takes nothing away. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { watchFunction } from '../../infra/build.ts'
import { startFunction } from '../../local/lambda/function.ts'
import { openTestKeeper, temporaryDir } from './host.ts'

vi.setConfig({ testTimeout: 30_000 })

test('instances run the newest source that could be built', async () => {
  const dir = await temporaryDir()
  const source = join(dir, 'source.ts')
  const write = (value: string) => writeFile(source, `export const handler = async () => ${value}`)
  await write("'first'")
  const keeper = await openTestKeeper()
  const built: (string | undefined)[] = []
  const first = Promise.withResolvers<string>()
  const stop = await watchFunction(source, join(dir, 'bundle'), (bundle) => {
    built.push(bundle)
    if (bundle !== undefined) first.resolve(bundle)
  })
  onTestFinished(() => stop())

  const lambda = startFunction({
    name: 'watched',
    bundle: await first.promise,
    memory: 256,
    timeout: 5,
    concurrency: 1,
    freeze: false,
    instances: 1,
    warm: 1,
    environment: {},
    keeper,
    onLine() {},
  })
  onTestFinished(() => lambda.stop())
  const call = async () => {
    const outcome = await lambda.invoke('{}')
    return outcome.kind === 'answered' ? outcome.body : outcome.kind
  }
  expect(await call()).toBe('"first"')

  await write("'second'")
  await expect.poll(() => built.length, { timeout: 10_000 }).toBe(2)
  lambda.replace(built[1] ?? '')
  expect(await call()).toBe('"second"')

  await write('(')
  await expect.poll(() => built.length, { timeout: 10_000 }).toBe(3)
  expect(built[2]).toBeUndefined()
  for (const pid of lambda.pids()) process.kill(pid, 'SIGKILL')
  await expect.poll(call, { timeout: 5_000 }).toBe('"second"')
})
