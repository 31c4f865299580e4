/** What a deploy refuses, with its reason, before it creates anything. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { graphOf } from './graph.ts'

const run = promisify(execFile)

/** The error of a deploy of a stage of settings/refused.ts. */
async function refusalOf(stage: string): Promise<string> {
  const asked = JSON.stringify({ stage, settings: join(import.meta.dirname, 'settings/refused.ts') })
  const evaluation = run(process.execPath, ['--no-warnings', join(import.meta.dirname, 'evaluate.ts'), asked])
  return evaluation.then(
    () => 'nothing',
    (error: { stderr?: string }) => String(error.stderr),
  )
}

const SLOW = { timeout: 120_000 }

it('concurrency that the account does not have, with the command that asks for more', SLOW, async () => {
  const said = await refusalOf('newcomer')
  expect(said).toContain('Lambda concurrency: the account has 10 in eu-west-3, and reserveConcurrency needs 822.')
  expect(said).toContain('--quota-code L-B99A9384 --desired-value 1000')
})

it('a table from a backup that lacks what a restore does not bring back', SLOW, async () => {
  expect(await refusalOf('restored')).toContain(
    'The table bare-heads in us-east-1 (existingTables) lacks a stream (NEW_IMAGE), point-in-time recovery, deletion protection.',
  )
})

it('a table of placements where there is no router', SLOW, async () => {
  expect(await refusalOf('misnamed')).toContain('The table of placements: us-east-1 has none of its own.')
})

it('alarms that reach no one are deployed with a warning', () => {
  expect(graphOf('prod').outputs.notices).toEqual([
    'Alarms: they reach no one. Set alarmsTo in infra/settings.ts and deploy again.',
  ])
  expect(graphOf('regions').outputs.notices).toBeUndefined()
  expect(graphOf('personal').outputs.notices).toBeUndefined()
})
