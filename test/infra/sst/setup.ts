/** Evaluates every resource graph, each in a process of its own, after building the functions' bundles once for all of them. */
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pMap from 'p-map'
import { extractPlatform } from '../../../infra/sst/platform/extract.ts'
import { type Variant, variants } from './variants.ts'

const run = promisify(execFile)

/** Resolves with the folder that has `{variant}.json` for each variant, and with what removes it. */
export async function evaluateGraphs(): Promise<{ dir: string; stop(): Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), 'su-graphs-'))
  await prepare()
  cpSync('.sst/bundles/prod', '.sst/bundles/alice', { recursive: true })
  const names = Object.keys(variants) as Variant[]
  await pMap(names, async (name) => writeFileSync(join(dir, `${name}.json`), await evaluate(variants[name])), {
    concurrency: 2,
  })
  return { dir, stop: async () => rmSync(dir, { recursive: true, force: true }) }
}

/** What every evaluation needs: SST's platform, and the functions' bundles in `.sst/bundles/prod`. */
export async function prepare(): Promise<void> {
  await Promise.all([extractPlatform(), run(process.execPath, ['infra/sst/build-bundles.ts', '.sst/bundles/prod'])])
}

/** The graph as JSON, when `prepare` is done. */
export async function evaluate(asked: { stage: string; settings?: string }): Promise<string> {
  const script = join(import.meta.dirname, 'evaluate.ts')
  const { stdout } = await run(process.execPath, ['--no-warnings', script, JSON.stringify(asked)], {
    maxBuffer: 2 ** 28,
    timeout: 600_000,
  })
  return stdout
}
