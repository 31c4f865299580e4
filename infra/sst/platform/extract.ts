/**
 * Puts SST's platform (the components and the AWS provider that sst.config.ts is written against) into .sst/platform, where `sst`
 * itself has it. Needs the npm registry, once; does nothing where the platform is there already.
 *
 *   node infra/sst/platform/extract.ts          as `npm run types:infra` and the tests of infra/sst call it
 *   node infra/sst/platform/extract.ts --lock   after another version of sst was chosen: writes this folder's package.json and lock anew
 */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const here = fileURLToPath(new URL('.', import.meta.url))

export const platformDir = join(root, '.sst/platform')

const run = promisify(execFile)

/** 264 MB of packages over a slow line. */
const TIMEOUT_MS = 600_000

/** Fails with a sentence, where the registry is not to be reached or `sst` does not take sst.config.ts. */
export async function extractPlatform(): Promise<void> {
  if (isExtracted()) return
  rmSync(platformDir, { recursive: true, force: true })
  await sstInstall(join(here, 'install.sh'))
  if (!isExtracted())
    throw new Error('`sst install` said that all is well, and has not put its platform into .sst/platform.')
}

/** Of the version that is installed, and whole: npm writes its own record of what is there when it is done. */
function isExtracted(): boolean {
  const version = join(platformDir, 'version')
  const done = join(platformDir, 'node_modules/.package-lock.json')
  return existsSync(done) && existsSync(version) && readFileSync(version, 'utf8').trim() === sstVersion()
}

function sstVersion(): string {
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/sst/package.json'), 'utf8')) as {
    version: string
  }
  return version
}

/** @param installer stands in for bun */
async function sstInstall(installer: string): Promise<void> {
  try {
    await run(join(root, 'node_modules/.bin/sst'), ['install', '--stage', 'types', '--print-logs'], {
      cwd: root,
      timeout: TIMEOUT_MS,
      env: {
        ...process.env,
        PATH: [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter),
        SST_BUN_PATH: installer,
        // Neither Pulumi nor bun is needed to read types.
        SST_SKIP_DEPENDENCY_CHECK: '1',
        SST_TELEMETRY_DISABLED: '1',
        DO_NOT_TRACK: '1',
      },
    })
  } catch (cause) {
    const said = cause instanceof Error && 'stderr' in cause ? `\n${String(cause.stderr).trim().slice(-2_000)}` : ''
    throw new Error(
      `SST's platform could not be put into .sst/platform: that needs the npm registry, once, and an sst.config.ts that can be read.${said}`,
      { cause },
    )
  }
}

/** The platform's own package.json without what only its authors need, and a lock for all systems. */
async function writeLock(): Promise<void> {
  rmSync(platformDir, { recursive: true, force: true })
  await sstInstall('/bin/true')
  const wanted = JSON.parse(readFileSync(join(platformDir, 'package.json'), 'utf8')) as Record<string, object>
  const { scripts, prettier, devDependencies = {}, ...rest } = wanted
  const types = Object.fromEntries(Object.entries(devDependencies).filter(([name]) => name.startsWith('@types/')))
  writeFileSync(join(here, 'package.json'), `${JSON.stringify({ ...rest, devDependencies: types }, undefined, 2)}\n`)
  rmSync(join(here, 'package-lock.json'), { force: true })
  const flags = [
    '--package-lock-only',
    '--ignore-scripts',
    '--omit-lockfile-registry-resolved',
    '--no-audit',
    '--no-fund',
  ]
  await run('npm', ['install', ...flags], { cwd: here, timeout: TIMEOUT_MS })
  rmSync(platformDir, { recursive: true, force: true })
}

if (import.meta.main) {
  try {
    if (process.argv.includes('--lock')) await writeLock()
    await extractPlatform()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
