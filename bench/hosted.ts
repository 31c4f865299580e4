/** A module as a Lambda function: built, in the local host's instances, behind a function URL. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildFunction } from '../infra/build.ts'
import { type FunctionSettings, routerFunctions } from '../infra/functions.ts'
import { startFunction } from '../local/lambda/function.ts'
import { openFunctionUrl } from '../local/lambda/function-url.ts'
import type { Keeper } from '../local/processes/keeper.ts'

export interface Hosted {
  url: string
  /** Of its instances. */
  pids(): number[]
  stop(): Promise<void>
}

/** With the memory and time of the router, whatever it is, unless it is said what it has. */
export async function host(
  entry: string,
  environment: Record<string, string>,
  { keeper, instances, settings }: { keeper: Keeper; instances: number; settings?: FunctionSettings },
): Promise<Hosted> {
  const bundle = mkdtempSync(join(tmpdir(), 'bench-bundle-'))
  await buildFunction(entry, bundle)
  const { memory, timeout } = settings ?? routerFunctions.router
  const fixed = { memory, timeout, concurrency: 1, freeze: false }
  const lambda = startFunction({
    name: entry,
    bundle,
    environment,
    keeper,
    instances,
    warm: instances,
    ...fixed,
    onLine: () => undefined,
  })
  const front = await openFunctionUrl({ lambda, onFailure: (message) => console.error(message) })
  await lambda.ready()
  front.open()
  return {
    url: front.url,
    pids: () => lambda.pids(),
    async stop() {
      await front.stop()
      await lambda.stop()
      rmSync(bundle, { recursive: true, force: true })
    },
  }
}
