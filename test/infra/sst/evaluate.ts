/**
 * The resource graph of a stage, as JSON on standard output: sst.config.ts evaluated as `sst deploy` (or with `dev`, `sst dev`) does it, on
 * Pulumi's mocks. A process for each, since Pulumi keeps its state in the process.
 *
 *   node test/infra/sst/evaluate.ts '{"stage":"prod","dev":false,"settings":"/…/settings.ts"}'
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import wallets from '../../data/conformance/wallets.json' with { type: 'json' }
import { bundle, globalsOf, platform, readApp, root, startRpc } from './cli.ts'
import type { Recorded } from './mocks.ts'

const {
  stage,
  dev = false,
  settings,
} = JSON.parse(process.argv[2] ?? '{}') as { stage: string; dev?: boolean; settings?: string }

const app = await readApp(stage, settings)
const { region } = app.providers.aws as { region: string }
const rpc = await startRpc()

Object.assign(process.env, {
  SST_SERVER: rpc.url,
  SST_AWS_REGION: region,
  SST_SECRET_SuWallet: JSON.stringify(wallets.su),
  PULUMI_NODEJS_PROJECT: app.name,
  PULUMI_NODEJS_STACK: stage,
  PULUMI_CONFIG: JSON.stringify({ 'aws:region': region }),
})
for (const suffix of ['UsEast1', 'EuWest1']) {
  process.env[`SST_SECRET_DatabaseUrl${suffix}`] =
    `postgresql://su:password-${suffix}@ep-${suffix.toLowerCase()}.example/su`
  process.env[`SST_SECRET_DatabaseReadUrl${suffix}`] =
    `postgresql://su:password-${suffix}@ep-read-${suffix.toLowerCase()}.example/su`
  process.env[`SST_SECRET_MigrationSourceUrl${suffix}`] = `postgresql://su:password-${suffix}@old.example/su`
}

// Packed code is written there, whatever else is being evaluated.
const work = mkdtempSync(join(tmpdir(), 'su-sst-'))
const outfile = join(platform, `test.run.${process.pid}.mjs`)
const cli = {
  command: dev ? 'dev' : 'deploy',
  dev,
  paths: { home: root, root, work, platform },
  state: { version: {} },
}
const quoted = (path: string): string => JSON.stringify(path)
await bundle({
  outfile,
  settings,
  globals: globalsOf(),
  inject: [join(platform, 'src/shim/run.js')],
  define: { $app: JSON.stringify(app), $cli: JSON.stringify(cli), $dev: String(dev) },
  code: `
    import crypto from 'node:crypto'
    import * as pulumi from '@pulumi/pulumi'
    import * as settings from '@pulumi/pulumi/runtime/settings.js'
    import * as properties from '@pulumi/pulumi/runtime/rpc.js'
    import { record } from ${quoted(join(import.meta.dirname, 'mocks.ts'))}
    import { run } from ${quoted(join(platform, 'src/auto/run.ts'))}
    import config from ${quoted(join(root, 'sst.config.ts'))}
    // SST ends physical names with characters by chance. The same ones for all: two names must differ without them.
    crypto.randomBytes = (length) => Buffer.alloc(length, 7)
    const { setMocks } = pulumi.runtime
    const { getMonitor } = settings.default ?? settings
    const { deserializeProperties } = properties.default ?? properties
    export const recorded = record({ runtime: { setMocks, getMonitor, deserializeProperties } }, $app, ${quoted(region)})
    export const evaluate = async () => {
      await pulumi.runtime.runInPulumiStack(() => run(config.run))
      await pulumi.runtime.disconnect()
    }`,
})

/** A value that Pulumi waits for and that has failed leaves it waiting for ever: the first failure ends the evaluation. */
const failed = new Promise<never>((_, reject) => {
  process.on('unhandledRejection', reject)
  process.on('uncaughtException', reject)
})

try {
  const program = (await import(pathToFileURL(outfile).href)) as { recorded: Recorded; evaluate(): Promise<void> }
  await Promise.race([program.evaluate(), failed])
  const { recorded } = program
  recorded.resources.sort((a, b) => (a.urn < b.urn ? -1 : 1))
  const graph = { app, ...recorded, builds: byId(rpc.builds), live: byId(rpc.live) }
  await new Promise<void>((written) => process.stdout.write(JSON.stringify(graph, undefined, 1), () => written()))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exitCode = 1
} finally {
  rmSync(outfile, { force: true })
  rmSync(work, { recursive: true, force: true })
  rpc.close()
}
process.exit()

function byId<T extends { functionID: string }>(targets: readonly T[]): T[] {
  return targets.toSorted((a, b) => (a.functionID < b.functionID ? -1 : 1))
}
