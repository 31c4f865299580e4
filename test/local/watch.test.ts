/** `npm run dev`: a change of a source is built again, a broken one takes nothing away. */
import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Build, watchFunction } from '../../infra/build.ts'
import { describeBuilds } from '../../local/bundles.ts'
import { startFunction } from '../../local/lambda/function.ts'
import { openTestKeeper, temporaryDir } from './host.ts'

test('instances run the newest source that could be built', async () => {
  const dir = await temporaryDir()
  const source = join(dir, 'source.ts')
  const write = (value: string) => writeFile(source, `export const handler = async () => ${value}`)
  await write("'first'")
  const keeper = await openTestKeeper()
  const built: Build[] = []
  const first = Promise.withResolvers<string>()
  const stop = await watchFunction(source, join(dir, 'bundle'), (build) => {
    built.push(build)
    if ('dir' in build) first.resolve(build.dir)
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
  const second = built[1]
  if (second === undefined || 'errors' in second) throw new Error('The second source was not built')
  expect(second.changed.map((file) => basename(file))).toEqual(['source.ts'])
  lambda.replace(second.dir)
  expect(await call()).toBe('"second"')

  await write('(')
  await expect.poll(() => built.length, { timeout: 10_000 }).toBe(3)
  expect(built[2]).toEqual({ errors: expect.stringMatching(/\[ERROR\] Unexpected end of file.*source\.ts:1/s) })
  for (const pid of lambda.pids()) process.kill(pid, 'SIGKILL')
  await expect.poll(call, { timeout: 5_000 }).toBe('"second"')
})

test('a build is noted with its sources and its time, and an error once for all functions that have it', () => {
  const notes: string[] = []
  const describe = describeBuilds((message) => notes.push(message))
  const build = (changed: string[], ms: number): Build => ({ dir: '/bundle', changed, ms })
  const broken: Build = { errors: '✘ [ERROR] Unexpected ")"' }
  describe('su', build(['functions/su.ts', 'core/log/worker.ts'], 900), true)
  expect(notes.splice(0)).toEqual([])
  describe('su', build(['core/log/worker.ts'], 312), false)
  expect(notes.splice(0)).toEqual(['su built in 312 ms (core/log/worker.ts)'])

  describe('su', broken, false)
  describe('relay', broken, true)
  expect(notes.splice(0)).toEqual([
    'BUILD FAILED: su. Its last build keeps running.\n\n✘ [ERROR] Unexpected ")"\n',
    'BUILD FAILED: relay. The start waits until it can be built.',
  ])
  describe('relay', build([], 200), true)
  describe('su', build(['core/log/worker.ts'], 300), false)
  expect(notes.splice(0)).toEqual(['relay built in 200 ms', 'su built in 300 ms (core/log/worker.ts)'])
  describe('su', broken, false)
  expect(notes.join()).toContain('Unexpected')
})
