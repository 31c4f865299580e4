/**
 * MiniStack, which plays AWS's API on this machine: it answers what AWS's SDK asks, runs functions in processes of their own with the
 * credentials of their roles, and evaluates the roles' policies.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { freePort } from '../../local/free-port.ts'
import { pythonTool } from '../python-tool.ts'

export interface MiniStack {
  url: string
  /** What it and the functions have written so far. */
  log(): string
  stop(): Promise<void>
}

/** @param account the account whose root the tests are, 12 digits. Fails where it cannot be installed or does not start. */
export async function startMiniStack(account: string): Promise<MiniStack> {
  const program = pythonTool('ministack')
  const home = mkdtempSync(join(tmpdir(), 'su-ministack-'))
  const port = await freePort()
  const child = spawn(program, {
    cwd: home,
    env: {
      // Functions run with this Node, not with another one that the machine has.
      PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}`,
      HOME: home,
      TMPDIR: home,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      MINISTACK_ACCOUNT_ID: account,
      S3_DATA_DIR: join(home, 's3'),
      // Signatures are verified, and policies evaluated.
      AUTH: 'true',
      PYTHONUNBUFFERED: '1',
    },
  })
  let written = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (written += chunk.toString()))
  const url = `http://127.0.0.1:${port}`
  while (!(await isHealthy(url))) {
    if (child.exitCode !== null) throw new Error(`MiniStack ended with ${child.exitCode}: ${written}`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  return {
    url,
    log: () => written,
    async stop() {
      const ended = once(child, 'exit')
      child.kill()
      await ended
      rmSync(home, { recursive: true, force: true })
    },
  }
}

const isHealthy = (url: string): Promise<boolean> =>
  fetch(`${url}/_ministack/health`).then(
    ({ ok }) => ok,
    () => false,
  )

/** Files under their names at the top of an archive. */
export function zipped(file: string, contents: readonly string[]): void {
  execFileSync('python3', ['-m', 'zipfile', '-c', file, ...contents])
}
