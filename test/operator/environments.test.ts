/** Which stack and which unit a command works on. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseRelayConfig } from '../../functions/config/functions.ts'
import { openEnvironments } from '../../operator/environments.ts'
import { readPlace } from '../../operator/place.ts'
import { createWorkplace } from '../../operator/workplace.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'operator-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const fixture = JSON.parse(readFileSync('test/data/stage/outputs.json', 'utf8'))
const write = (path: string, content: unknown) => {
  mkdirSync(join(dir, path, '..'), { recursive: true })
  writeFileSync(join(dir, path), JSON.stringify(content))
}

describe('the options of every command', () => {
  it('are taken out of the arguments, wherever they stand', () => {
    const rest = ['verify', '--all', '--json']
    expect(readPlace(['--stage', 'prod', ...rest])).toEqual({ place: { stage: 'prod' }, rest })
    expect(readPlace(['verify', '--stage=prod', '--all', '--region', 'eu-west-1', '--json'])).toEqual({
      place: { stage: 'prod', region: 'eu-west-1' },
      rest,
    })
    expect(readPlace(rest)).toEqual({ place: {}, rest })
  })

  it('without a value stay where they are', () => {
    for (const rest of [['units', 'list', '--stage'], ['--stage', '--json'], ['--stage=']]) {
      expect(readPlace(rest)).toEqual({ place: {}, rest })
    }
  })
})

describe('the local stack', () => {
  const open = (env: NodeJS.ProcessEnv = {}) => openEnvironments({ STATE_DIR: dir, ...env }, {})

  it('is its one unit', () => {
    write('env.json', { HEADS_TABLE: 'heads', URL: 'http://127.0.0.1:1' })
    for (const env of [open().unit(), open().anyUnit(), open().router()]) expect(env.HEADS_TABLE).toBe('heads')
    expect(open().address()).toBe('http://127.0.0.1:1')
  })

  it('has several units, one of which is to be named', () => {
    for (const name of ['router', 'region-1', 'region-2', 'region-10']) write(`${name}/env.json`, { URL: name })
    expect(() => open().unit()).toThrow('Say which unit: --unit 1 or --unit 2 or --unit 10.')
    expect(open({ SU_WALLET: 'w', HOME: '/' }).unit('2')).toEqual({ URL: 'region-2', SU_WALLET: 'w' })
    expect(open().unit('region-10')).toEqual({ URL: 'region-10' })
    expect(open().anyUnit()).toEqual({ URL: 'region-1' })
    expect(open().anyUnit('2')).toEqual({ URL: 'region-2' })
    expect(open().router().URL).toBe('router')
    expect(open().address()).toBe('router')
    expect(() => open().unit('3')).toThrow('There is no environment of a unit at 3')
  })

  it('may be none: then the environment describes a stack', () => {
    const elsewhere = { STATE_DIR: join(dir, 'none'), HEADS_TABLE: 'elsewhere' }
    expect(openEnvironments(elsewhere, {}).unit()).toEqual(elsewhere)
    expect(openEnvironments(elsewhere, {}).anyUnit()).toEqual(elsewhere)
    write('region-1/env.json', { URL: 'region-1' })
    expect(open({ HEADS_TABLE: 'elsewhere' }).unit().HEADS_TABLE).toBe('elsewhere')
  })

  it('has no regions of a stage', () => {
    const { unit, router, address } = openEnvironments({ STATE_DIR: dir }, { region: 'us-east-1' })
    for (const ask of [unit, router, address]) expect(() => ask()).toThrow('--region is for a stage')
  })
})

describe('a deployed stage', () => {
  const secrets = { SU_WALLET: 'w', DATABASE_URL: 'postgresql://u:p@h/d' }
  const own = { ...secrets, HEADS_TABLE: 'of another', URL: 'https://another.example', STATE_DIR: 'nowhere' }
  const open = (region?: string, stage = 'prod') =>
    openEnvironments({ ...own, STATE_DIR: dir }, { stage, ...(region !== undefined && { region }) }, dir)

  it('has its units by their regions, with the secrets of the command and nothing else of its environment', () => {
    write('outputs.json', fixture)
    expect(open().unit('eu-west-1')).toEqual({ ...secrets, ...fixture.units['eu-west-1'] })
    expect(open('eu-west-1').unit()).toEqual({ ...secrets, ...fixture.units['eu-west-1'] })
    expect(open('eu-west-1').unit('us-east-1').AWS_REGION).toBe('us-east-1')
    expect(open('eu-west-1').anyUnit().AWS_REGION).toBe('eu-west-1')
    expect(open().anyUnit().AWS_REGION).toBe('us-east-1')
    expect(open().router()).toEqual({ ...secrets, ...fixture.router })
    expect(open().address()).toBe('https://su-router.example')
    expect(() => open().unit()).toThrow('Say which unit: --region us-east-1 or --region eu-west-1.')
    expect(() => open('us-west-2').unit()).toThrow(
      'The stage prod has no unit in us-west-2, only in us-east-1, eu-west-1.',
    )
    expect(() => open().unit('nowhere')).toThrow('There is no environment of a unit at nowhere')
    write('unit/env.json', { URL: 'https://beside.example' })
    expect(open().unit('unit')).toEqual({ URL: 'https://beside.example' })
  })

  it('may have one unit and no router', () => {
    const { router: _, ...rest } = fixture
    write('outputs.json', { ...rest, units: { 'us-east-1': fixture.units['us-east-1'] } })
    expect(open().unit().URL).toBe('https://su-1.example')
    expect(() => open().router()).toThrow('The stage prod has no router')
  })

  it('is known by its own outputs only', () => {
    expect(() => open().unit()).toThrow('npx sst deploy --stage prod')
    write('outputs.json', { ...fixture, stage: 'dev' })
    expect(() => open().unit()).toThrow('is of the stage dev')
    expect(open(undefined, 'dev').unit('us-east-1').URL).toBe('https://su-1.example')
    write('outputs.prod.json', fixture)
    expect(open().unit('us-east-1').URL).toBe('https://su-1.example')
    expect(() => open(undefined, '../prod').unit()).toThrow('letters, digits and hyphens')
    for (const nonsense of [{ stage: 'prod' }, { ...fixture, units: { a: { URL: 1 } } }]) {
      write('outputs.prod.json', nonsense)
      expect(() => open().unit()).toThrow('is not what a deploy of this version writes')
    }
  })

  it('describes a unit as completely as its functions need it', () => {
    write('outputs.json', fixture)
    for (const region of Object.keys(fixture.units)) {
      expect(parseRelayConfig(open().unit(region))).toMatchObject({ store: { headsTable: expect.any(String) } })
    }
    const before = { ...process.env }
    try {
      const { placements, placementsOf, listedUnits, gateway } = createWorkplace(open('eu-west-1'))
      for (const made of [placements(), placementsOf(), gateway()]) expect(made).toBeDefined()
      expect(listedUnits().map(({ url }) => url)).toEqual(['https://su-1.example', 'https://su-2.example'])
    } finally {
      process.env = before
    }
  })

  it('says where a secret is to come from', () => {
    expect(open().hint).toContain('give them to this command')
  })
})
