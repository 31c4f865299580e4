/** `sst dev`: every handler is there, and what runs on the developer's machine is told what the deployed one is. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { functions } from '../../../infra/functions.ts'
import { deployedIn, graphOf } from './graph.ts'

const root = join(import.meta.dirname, '../../..')

describe.each([
  ['personalDev', 'personal'],
  ['devRegions', 'personalRegions'],
] as const)('sst dev (%s)', (variant, deployed) => {
  const dev = graphOf(variant)

  it('runs every function from its source', () => {
    for (const { handler, bundle } of dev.live) {
      expect(bundle).toBeUndefined()
      const file = join(root, handler.replace(/\.handler$/, '.ts'))
      expect(existsSync(file), handler).toBe(true)
      expect(readFileSync(file, 'utf8')).toMatch(/^export const handler = /m)
    }
    const entries = dev.live.map(({ handler }) => handler.replace(/\.handler$/, '.ts'))
    const wanted = deployedIn(graphOf(deployed)).flatMap(({ name }) =>
      functions[name].trigger.kind === 'deploy' ? [] : [functions[name].entry],
    )
    expect(entries.sort()).toEqual(wanted.sort())
  })

  it('deploys for real what the deploy itself calls', () => {
    expect(dev.builds.map(({ functionID }) => functionID)).toEqual(
      Object.keys(dev.outputs.units).map((region) => `Migrate${region === 'us-east-1' ? 'UsEast1' : 'EuWest1'}`),
    )
  })

  it('tells them what the deployed ones are told', () => {
    const others = new Map(deployedIn(graphOf(deployed)).map(({ function: { name }, variables }) => [name, variables]))
    for (const {
      function: { name },
      variables,
    } of deployedIn(dev)) {
      const own = Object.fromEntries(Object.entries(variables).filter(([key]) => !key.startsWith('SST_')))
      expect(own, name).toEqual(others.get(name))
    }
  })

  it('has the same outputs', () => {
    expect({ ...dev.outputs, _protect: undefined }).toEqual({ ...graphOf(deployed).outputs, _protect: undefined })
  })
})
