/** The bundles as they are deployed: every file of them loads, and what is loaded late is really there. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildAll } from '../../infra/build.ts'
import { type FunctionName, functions } from '../../infra/functions.ts'

let dir: string
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'su-build-'))
  await buildAll(dir)
}, 60_000)
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const names = Object.keys(functions) as FunctionName[]

it.each(names)('every late part of %s loads', async (name) => {
  const late = readdirSync(join(dir, name)).filter((file) => file.endsWith('.mjs') && file !== 'index.mjs')
  expect(late.length).toBeGreaterThan(0)
  const script = late.map((file) => `await import(${JSON.stringify(join(dir, name, file))})`).join('\n')
  // A process of its own: the parts would share this one's modules.
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
})
