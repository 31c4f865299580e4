/**
 * Holds the resource graph against AWS's own schemas, by cfn-lint: `npm run test:cfn`. Needs Python 3 with pip; the linter is installed
 * once, into .sst.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { extractPlatform } from '../../../infra/sst/platform/extract.ts'
import { root } from './cli.ts'
import { templateOf } from './cloudformation.ts'
import type { GraphResource } from './mocks.ts'

const VERSION = '1.58.0'
/** Advice and warnings are about how a template is written. */
const IGNORED = ['I', 'W']

const python = join(root, `.sst/cfn-lint-${VERSION}`)
const linter = join(python, 'bin/cfn-lint')

function install(): void {
  if (existsSync(linter)) return
  execFileSync('python3', ['-m', 'venv', python], { stdio: 'inherit' })
  execFileSync(join(python, 'bin/pip'), ['install', '--quiet', `cfn-lint==${VERSION}`], { stdio: 'inherit' })
}

function graphOf(stage: string, settings: string): GraphResource[] {
  const asked = JSON.stringify({ stage, settings: join(import.meta.dirname, 'settings', settings) })
  const args = ['--no-warnings', join(import.meta.dirname, 'evaluate.ts'), asked]
  const text = execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 28 })
  return (JSON.parse(text) as { resources: GraphResource[] }).resources
}

install()
await extractPlatform()
execFileSync(process.execPath, ['infra/sst/build-bundles.ts', '.sst/bundles/prod'], { cwd: root, stdio: 'inherit' })
const dir = mkdtempSync(join(tmpdir(), 'su-templates-'))
try {
  for (const settings of ['two-regions.ts', 'elsewhere.ts']) {
    const resources = graphOf('prod', settings)
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
