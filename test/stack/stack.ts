/**
 * A whole stack of its own for a test, in a folder of its own that is gone afterwards. Whatever a test does with it, its functions
 * must have called nothing that they would not be allowed on AWS.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseOptions, type StackOptions } from '../../local/options.ts'
import { type Regions, startRegions } from '../../local/regions.ts'
import { type Stack, startStack } from '../../local/stack.ts'
import wallets from '../data/conformance/wallets.json' with { type: 'json' }
import { holdAgainstGrants } from './granted.ts'

export interface TestStack {
  readonly stack: Stack
  readonly url: string
  /** Ends everything as kill -9 would, and starts it again on what is left. */
  killAndRestart(): Promise<void>
  close(): Promise<void>
}

/** A folder of its own, and everything as all of these tests have it. */
function prepare(variables: Record<string, string>, options: Partial<StackOptions>) {
  const stateDir = mkdtempSync(join(tmpdir(), 'su-test-'))
  const environment = {
    LOG_LEVEL: 'warn',
    AWS_FAULTS: 'true',
    SU_WALLET: JSON.stringify(wallets.su),
    ...variables,
    STATE_DIR: stateDir,
  }
  const calls = holdAgainstGrants()
  return {
    options: { ...parseOptions(environment), port: 0, onCall: calls.onCall, ...options },
    /** When it has ended. */
    cleanUp() {
      rmSync(stateDir, { recursive: true, force: true })
      assert.deepEqual(calls.notGranted, [], 'calls that infra/grants.ts does not have')
    },
  }
}

/** @param variables configuration, as in `.env` */
export async function openStack(
  variables: Record<string, string> = {},
  changed: Partial<StackOptions> = {},
): Promise<TestStack> {
  const { options, cleanUp } = prepare(variables, changed)
  const start = () => startStack(options)
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
      cleanUp()
    },
  }
}

export interface TestRegions {
  readonly regions: Regions
  /** The router's address. */
  readonly url: string
  /** Ends everything as kill -9 would, and starts it again on what is left. */
  killAndRestart(): Promise<void>
  close(): Promise<void>
}

/** So many units and a router in front of them. */
export async function openRegions(
  count: number,
  variables: Record<string, string> = {},
  changed: Partial<StackOptions> = {},
): Promise<TestRegions> {
  const { options, cleanUp } = prepare(variables, changed)
  const start = () => startRegions(options, count)
  let regions = await start()
  return {
    get regions() {
      return regions
    },
    get url() {
      return regions.url
    },
    async killAndRestart() {
      await regions.kill()
      regions = await start()
    },
    async close() {
      await regions.stop()
      cleanUp()
    },
  }
}
