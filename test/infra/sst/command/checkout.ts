/** A copy of this checkout for the sst command to work in, since it writes into .sst, and its commands there. */
import { execFile } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { root } from '../cli.ts'

export interface Said {
  code: number
  /** Standard output and error, as they came. */
  text: string
}

export interface Checkout {
  dir: string
  /** Runs `sst …`; what it is to read from standard input may be given. */
  sst(args: readonly string[], input?: string): Promise<Said>
  remove(): void
}

/** Long enough on a machine that is busy. */
const TIMEOUT_MS = 400_000

/** @param aws the address of a stand-in for AWS */
export function openCheckout(aws: string): Checkout {
  const dir = mkdtempSync(join(tmpdir(), 'su-sst-command-'))
  for (const part of [
    'sst.config.ts',
    'package.json',
    'tsconfig.json',
    'core',
    'db',
    'functions',
    'infra',
    'network',
  ]) {
    cpSync(join(root, part), join(dir, part), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'))
  mkdirSync(join(dir, '.sst'))
  symlinkSync(join(root, '.sst/platform'), join(dir, '.sst/platform'))
  cpSync(join(root, '.sst/provider-lock.json'), join(dir, '.sst/provider-lock.json'))
  // Where sst keeps Pulumi's command when it has installed it.
  const pulumi = join(dir, 'config/sst/bin/pulumi')
  mkdirSync(join(pulumi, '..'), { recursive: true })
  const node = join(root, 'node_modules/.bin/node')
  writeFileSync(pulumi, `#!/bin/sh\nexec '${node}' --no-warnings '${join(import.meta.dirname, 'pulumi.ts')}' "$@"\n`)
  chmodSync(pulumi, 0o755)

  const env = {
    HOME: dir,
    PATH: [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter),
    XDG_CONFIG_HOME: join(dir, 'config'),
    SST_NO_BUN: '1',
    SST_TELEMETRY_DISABLED: '1',
    DO_NOT_TRACK: '1',
    AWS_ENDPOINT_URL: aws,
    AWS_ACCESS_KEY_ID: 'stand-in',
    AWS_SECRET_ACCESS_KEY: 'stand-in',
    AWS_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    NO_COLOR: '1',
  }
  return {
    dir,
    sst: (args, input = '') =>
      new Promise((resolve) => {
        const child = execFile(
          join(root, 'node_modules/.bin/sst'),
          [...args],
          { cwd: dir, env, timeout: TIMEOUT_MS, maxBuffer: 2 ** 26 },
          (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? 1) : 0, text: stdout + stderr }),
        )
        child.stdin?.end(input)
      }),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  }
}
