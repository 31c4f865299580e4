/** A whole stack of its own for a test, in a folder of its own that is gone afterwards. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseOptions, type StackOptions } from '../../local/options.ts'
import { type Stack, startStack } from '../../local/stack.ts'
import wallets from '../data/conformance/wallets.json' with { type: 'json' }

export interface TestStack {
  readonly stack: Stack
  readonly url: string
  /** Ends everything as kill -9 would, and starts it again on what is left. */
  killAndRestart(): Promise<void>
  close(): Promise<void>
}

/** @param variables configuration, as in `.env` */
export async function openStack(
  variables: Record<string, string> = {},
  options: Partial<StackOptions> = {},
): Promise<TestStack> {
  const stateDir = mkdtempSync(join(tmpdir(), 'su-test-'))
  const environment = { LOG_LEVEL: 'warn', SU_WALLET: JSON.stringify(wallets.su), ...variables, STATE_DIR: stateDir }
  const lines: string[] = []
  const log = {
    line: (source: string, line: string) => void lines.push(`${source} ${line}`),
    note: (text: string) => void lines.push(text),
  }
  const start = () => startStack({ ...parseOptions(environment), port: 0, ...options }, log)
  let stack = await start()
  return {
    get stack() {
      return stack
    },
    get url() {
      return stack.url
    },
    async killAndRestart() {
      await stack.kill()
      stack = await start()
    },
    async close() {
      await stack.stop()
      rmSync(stateDir, { recursive: true, force: true })
    },
  }
}
