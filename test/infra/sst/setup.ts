/** Before the tests of the resource graph: SST's platform is there, and every graph is evaluated, each in a process of its own. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { extractPlatform } from '../../../infra/sst/platform/extract.ts'
import { type Variant, variants } from './graph.ts'

const run = promisify(execFile)

export default async function setup(project: TestProject): Promise<() => void> {
  await extractPlatform()
  const graphs = mkdtempSync(join(tmpdir(), 'su-graphs-'))
  // Stages beside each other, one stage's variants one after the other: they share the folder of bundles.
  await Promise.all(['prod', 'alice'].map((stage) => evaluateAll(stage, graphs)))
  project.provide('graphs', graphs)
  return () => rmSync(graphs, { recursive: true, force: true })
}

async function evaluateAll(stage: string, dir: string): Promise<void> {
  const own = (Object.keys(variants) as Variant[]).filter((variant) => variants[variant].stage === stage)
  for (const variant of own) writeFileSync(join(dir, `${variant}.json`), await evaluate(variant))
}

async function evaluate(variant: Variant): Promise<string> {
  const script = join(import.meta.dirname, 'evaluate.ts')
  const { stdout } = await run(process.execPath, ['--no-warnings', script, JSON.stringify(variants[variant])], {
    maxBuffer: 2 ** 28,
    timeout: 600_000,
  })
  return stdout
}
