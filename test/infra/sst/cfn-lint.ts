/**
 * Holds the resource graph against AWS's own schemas, by cfn-lint: `npm run test:cfn`. The linter comes from PyPI
 * (test/python-tool.ts).
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pythonTool } from '../../python-tool.ts'
import { templateOf } from './cloudformation.ts'
import type { GraphResource } from './mocks.ts'
import { evaluate, prepare } from './setup.ts'

/** Advice and warnings are about how a template is written. */
const IGNORED = ['I', 'W']

const linter = pythonTool('cfn-lint')

async function graphOf(stage: string, settings: string): Promise<GraphResource[]> {
  const graph = await evaluate({ stage, settings: join(import.meta.dirname, 'settings', settings) })
  return (JSON.parse(graph) as { resources: GraphResource[] }).resources
}

await prepare()
const dir = mkdtempSync(join(tmpdir(), 'su-templates-'))
try {
  for (const settings of ['two-regions.ts', 'elsewhere.ts']) {
    const resources = await graphOf('prod', settings)
    for (const region of new Set(resources.flatMap((one) => one.region ?? []))) {
      const template = templateOf(resources.filter((one) => one.region === region))
      const file = join(dir, `${settings}-${region}.json`)
      writeFileSync(file, JSON.stringify(template, undefined, 1))
      execFileSync(linter, ['--regions', region, '--ignore-checks', ...IGNORED, '--', file], { stdio: 'inherit' })
      process.stdout.write(`${settings} in ${region}: ${Object.keys(template.Resources).length} resources are sound.\n`)
    }
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
} finally {
  rmSync(dir, { recursive: true, force: true })
}
