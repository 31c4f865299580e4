/** What a deploy leaves for an operator's commands. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { readStageOutputs } from '../../../operator/stage-outputs.ts'
import { graphOf } from './graph.ts'

it.each(['prod', 'regions', 'personalDev'] as const)('is what they read (%s)', (variant) => {
  const { outputs, app } = graphOf(variant)
  const dir = mkdtempSync(join(tmpdir(), 'su-outputs-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  writeFileSync(join(dir, 'outputs.json'), JSON.stringify(outputs))
  const read = readStageOutputs(app.stage, dir)
  expect(read.distributions.length).toBe(Object.keys(read.units).length + (read.router ? 1 : 0))
  expect(read).toMatchObject({ url: outputs.url, units: outputs.units })
  expect(read.router).toEqual(outputs.router)
  for (const [region, variables] of Object.entries(read.units)) {
    expect(variables).toMatchObject({
      AWS_REGION: region,
      URL: expect.stringMatching(/^https:/),
      HEADS_TABLE: expect.any(String),
      RECORDS_TABLE: expect.any(String),
      IDS_TABLE: expect.any(String),
      BUCKET: expect.any(String),
      GATEWAY_URL: expect.any(String),
      UPLOAD_NODE_URL: expect.any(String),
    })
  }
})
