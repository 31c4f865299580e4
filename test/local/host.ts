/** Runs a fixture in the Lambda host, and ends it after the test. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { buildFunction } from '../../infra/build.ts'
import { type FunctionOptions, type LambdaFunction, startFunction } from '../../local/lambda/function.ts'
import { openFunctionUrl } from '../../local/lambda/function-url.ts'
import { type Keeper, openKeeper } from '../../local/processes/keeper.ts'

export const temporaryDir = async (): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'su-test-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}

export const openTestKeeper = async (): Promise<Keeper> => {
  const keeper = await openKeeper()
  onTestFinished(() => keeper.close())
  return keeper
}

export interface Hosted {
  lambda: LambdaFunction
  /** Everything that was logged, by the function and about it. */
  log: string[]
}

export const hostFixture = async (fixture: string, options: Partial<FunctionOptions> = {}): Promise<Hosted> => {
  const bundle = await temporaryDir()
  await buildFunction(fileURLToPath(new URL(`./fixtures/${fixture}.ts`, import.meta.url)), bundle)
  const keeper = await openTestKeeper()
  const log: string[] = []
  const lambda = startFunction({
    name: fixture,
    bundle,
    memory: 512,
    timeout: 5,
    concurrency: 1,
    freeze: false,
    instances: 2,
    warm: 2,
    environment: {},
    keeper,
    onLine: (line) => log.push(line),
    ...options,
  })
  onTestFinished(() => lambda.stop())
  return { lambda, log }
}

/** The fixture `web` behind a function URL, ready. */
export const hostWeb = async (
  options: Partial<FunctionOptions> = {},
  awsFaults = false,
): Promise<Hosted & { url: string }> => {
  const hosted = await hostFixture('web', options)
  await hosted.lambda.ready()
  const front = await openFunctionUrl({
    lambda: hosted.lambda,
    onFailure: (message) => hosted.log.push(message),
    awsFaults,
  })
  onTestFinished(() => front.stop())
  front.open()
  return { ...hosted, url: front.url }
}
