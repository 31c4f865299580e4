/** The resource graphs that the tests look at, evaluated once by setup.ts, and ways to find things in them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type FunctionName, functions } from '../../../infra/functions.ts'
import { service } from '../../services.ts'
import { logicalNameOf } from './logical.ts'
import type { GraphResource } from './mocks.ts'
import type { Variant } from './variants.ts'

export type { GraphResource } from './mocks.ts'

export type { Variant } from './variants.ts'

export interface Target {
  functionID: string
  handler: string
  bundle?: string
  links: Record<string, unknown>
}

export interface Graph {
  app: { name: string; stage: string; removal: string; protect: boolean }
  resources: GraphResource[]
  outputs: {
    url: string
    units: Record<string, Record<string, string>>
    router?: Record<string, string>
    mig: Record<string, string>
    migPlacements?: string
    distributions: string[]
    notices?: string[]
  }
  /** What is deployed as a bundle, and what `sst dev` runs from its sources. */
  builds: Target[]
  live: Target[]
}

const { dir } = await service('graphs')

export const textOf = (variant: Variant): string => readFileSync(join(dir, `${variant}.json`), 'utf8')

export const graphOf = (variant: Variant): Graph => JSON.parse(textOf(variant)) as Graph

/** @param type without its module's repetition: `aws:lambda/function:Function` is `lambda:Function` */
export const ofType = ({ resources }: Graph, type: string): GraphResource[] => {
  const [module, kind = ''] = type.split(':')
  return resources.filter(
    (resource) => resource.type === `aws:${module}/${kind.charAt(0).toLowerCase()}${kind.slice(1)}:${kind}`,
  )
}

/** The only one of that logical name and type; fails where there is none or are several. */
export function one(graph: Graph, type: string, name: string): GraphResource {
  const found = ofType(graph, type).filter((resource) => resource.name === name)
  const [first] = found
  if (first === undefined || found.length > 1) throw new Error(`There are ${found.length} of ${type} ${name}.`)
  return first
}

/** `FunctionName`s of a graph, with where each is deployed. */
export interface Deployed {
  name: FunctionName
  suffix: string
  region: string
  function: GraphResource
  role: GraphResource
  variables: Record<string, string>
}

export const deployedIn = (graph: Graph): Deployed[] =>
  ofType(graph, 'lambda:Function').map((resource) => {
    const logical = resource.name.replace(/Function$/, '')
    const name = (Object.keys(functions) as FunctionName[]).find((known) => suffixAfter(logical, known) !== undefined)
    if (name === undefined) throw new Error(`${resource.name} is none of infra/functions.ts.`)
    const { variables } = resource.inputs.environment as { variables: Record<string, string> }
    return {
      name,
      suffix: suffixAfter(logical, name) ?? '',
      region: resource.region ?? '',
      function: resource,
      role: one(graph, 'iam:Role', `${logical}Role`),
      variables,
    }
  })

/** `SuUsEast1` is `su`, and `UsEast1` is left. */
function suffixAfter(logical: string, name: FunctionName): string | undefined {
  const rest = logical.slice(name.length)
  return logical.startsWith(logicalNameOf(name)) && /^[A-Z][a-z]+[A-Z][a-z]+\d$/.test(rest) ? rest : undefined
}

/** The values of every text in it, with its path: `origins.0.domainName`. */
export function* textsIn(
  value: unknown,
  path: readonly (string | number)[] = [],
): Generator<[path: string, text: string]> {
  if (typeof value === 'string') yield [path.join('.'), value]
  if (typeof value !== 'object' || value === null) return
  for (const [name, inner] of Object.entries(value)) yield* textsIn(inner, [...path, name])
}
