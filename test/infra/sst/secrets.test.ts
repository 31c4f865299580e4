/** Secrets: who gets them, and that nobody can read them in the deployment's state. */
import { describe, expect, it } from 'vitest'
import wallets from '../../data/conformance/wallets.json' with { type: 'json' }
import { deployedIn, graphOf, ofType, textsIn, type Variant } from './graph.ts'

const { p, q, d } = wallets.su
/** As mocks.ts makes random bytes, in hexadecimal digits. */
const made = /^6d616465[\da-f]+/
const isSecret = (text: string): boolean =>
  [p, q, d, 'password-'].some((secret) => text.includes(secret)) || made.test(text)

/** SST's own: what `sst secret set` gave, under this name. */
const all: Variant[] = ['prod', 'personal', 'personalDev', 'regions', 'devRegions', 'elsewhere']

describe.each(all)('secrets (%s)', (variant) => {
  const graph = graphOf(variant)

  it('are encrypted wherever they are', () => {
    const found = graph.resources.flatMap((resource) =>
      [...textsIn(resource.inputs)].filter(([, text]) => isSecret(text)).map(([path]) => ({ resource, path })),
    )
    expect(found.length).toBeGreaterThan(3)
    const open = found.filter(
      ({ resource, path }) => !resource.secrets.some((secret) => path === secret || path.startsWith(`${secret}.`)),
    )
    expect(open.map(({ resource, path }) => `${resource.name} ${path}`)).toEqual([])
  })

  it('are not among what is printed', () => {
    expect([...textsIn(graph.outputs)].filter(([, text]) => isSecret(text))).toEqual([])
    expect(
      Object.values(graph.outputs.units)
        .flatMap(Object.keys)
        .filter((name) => /SECRET|WALLET|DATABASE/.test(name)),
    ).toEqual([])
  })

  it('are given to those who need them', () => {
    const readers = (variable: string) =>
      new Set(
        deployedIn(graph)
          .filter(({ variables }) => variable in variables)
          .map(({ name }) => name),
      )
    expect(readers('SU_WALLET')).toEqual(new Set(['su']))
    expect(readers('CDN_SECRET')).toEqual(new Set(graph.outputs.router ? ['su', 'router'] : ['su']))
    expect(readers('ROUTER_SECRET')).toEqual(new Set(graph.outputs.router ? ['su', 'router'] : []))
    expect(readers('DATABASE_URL')).toEqual(
      new Set(variant === 'elsewhere' ? [] : ['su', 'relay', 'reconciler', 'migrate']),
    )
    expect(readers('MIGRATION_SOURCE_URL')).toEqual(new Set(variant === 'regions' ? ['mig'] : []))
    expect(readers('DATABASE_READ_URL')).toEqual(new Set(/regions/i.test(variant) ? ['su'] : []))
  })
})

const kept: Variant[] = ['prod', 'regions', 'elsewhere', 'restored']

describe.each(kept)('a kept stage (%s)', (variant) => {
  const graph = graphOf(variant)

  it('encrypts the variables of each function that has a secret by a key of its region, and no others', () => {
    for (const { name, region, variables, function: called } of deployedIn(graph)) {
      const hasSecrets = Object.values(variables).some(isSecret)
      const key = ofType(graph, 'kms:Key').find((one) => one.region === region)
      expect(key).toBeDefined()
      expect([name, called.inputs.kmsKeyArn]).toEqual([
        name,
        hasSecrets ? expect.stringMatching(`:kms:${region}:.*${key?.name}`) : undefined,
      ])
    }
  })
})

it.each(['personal', 'personalRegions'] as const)('a stage that is not kept pays for no key (%s)', (variant) => {
  expect(ofType(graphOf(variant), 'kms:Key')).toEqual([])
})

describe('a change of the secrets', () => {
  const graph = graphOf('regions')

  it('finds functions that take the new one and the one before', () => {
    for (const { name, variables } of deployedIn(graph)) {
      for (const variable of ['CDN_SECRET', 'ROUTER_SECRET']) {
        const value = variables[variable]
        if (value !== undefined) expect(new Set(value.split(',')).size, `${name} ${variable}`).toBe(2)
      }
    }
  })

  it('shows only the new one', () => {
    for (const { inputs } of ofType(graph, 'cloudfront:Distribution')) {
      const [, secret = ''] =
        [...textsIn(inputs.origins)].find(([path]) => path.endsWith('customHeaders.0.value')) ?? []
      const [[, believed = ''] = []] = deployedIn(graph).flatMap(({ variables }) =>
        variables.CDN_SECRET?.startsWith(`${secret},`) ? [[secret, variables.CDN_SECRET]] : [],
      )
      expect(believed).not.toBe('')
    }
  })

  it('ends with functions that take the new one alone', () => {
    const { variables } = deployedIn(graphOf('restored')).find(({ name }) => name === 'su') ?? {}
    const [distribution] = ofType(graphOf('restored'), 'cloudfront:Distribution')
    const [, shown] =
      [...textsIn(distribution?.inputs.origins)].find(([path]) => path.endsWith('customHeaders.0.value')) ?? []
    expect(variables?.CDN_SECRET).toBe(shown)
    // The second that was made under this name, and not the first.
    expect(graphOf('restored').resources.map(({ name }) => name)).not.toContain('CdnSecretUsEast11')
  })

  it('reaches the router before the units, which then no longer take the one before', () => {
    const router = deployedIn(graph).find(({ name }) => name === 'router')
    for (const { name, function: called } of deployedIn(graph)) {
      if (name === 'su') expect(called.dependsOn).toContain(router?.function.urn)
    }
  })

  it('each CDN has its own, and each region', () => {
    const secrets = deployedIn(graph).flatMap(({ name, variables }) =>
      name === 'su' || name === 'router' ? [variables.CDN_SECRET] : [],
    )
    expect(new Set(secrets).size).toBe(3)
  })
})
