/**
 * Tools from PyPI that tests run, each installed once into a folder of its own in .sst. Run by itself it installs all of them, and
 * fails where that cannot be done: without Python 3 with venv and pip, or without PyPI.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const versions = { 'cfn-lint': '1.58.0', ministack: '1.5.33' } as const

const INSTALLATION_MS = 240_000

/** @returns the path of its program. Throws where it cannot be installed. */
export function pythonTool(name: keyof typeof versions): string {
  const environment = join(import.meta.dirname, `../.sst/${name}-${versions[name]}`)
  const program = join(environment, 'bin', name)
  if (!existsSync(program)) {
    const options = { stdio: 'inherit', timeout: INSTALLATION_MS } as const
    execFileSync('python3', ['-m', 'venv', environment], options)
    execFileSync(join(environment, 'bin/pip'), ['install', '--quiet', `${name}==${versions[name]}`], options)
  }
  return program
}

if (import.meta.main) {
  try {
    for (const name of Object.keys(versions) as (keyof typeof versions)[]) pythonTool(name)
  } catch (error) {
    process.stderr.write(
      `Tools from PyPI: ${error instanceof Error ? error.message : String(error)}. Install Python 3 with venv and pip.\n`,
    )
    process.exitCode = 1
  }
}
