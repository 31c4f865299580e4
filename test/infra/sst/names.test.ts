/** Names: of stages, of regions, and of what is in them. */
import { describe, expect, it } from 'vitest'
import { type Graph, type GraphResource, graphOf, ofType, textsIn } from './graph.ts'
import { suffixOf } from './logical.ts'

/** What AWS knows a resource by; for SST's own the characters by chance are the same in all graphs here. */
const physicalName = ({ inputs }: GraphResource): string | undefined =>
  [inputs.name, inputs.bucket, inputs.dashboardName].find((name): name is string => typeof name === 'string')

/** Resources that are known by a name of their own, and not by whose they are. */
const namedIn = (graph: Graph): { key: string; resource: GraphResource }[] =>
  graph.resources.flatMap((resource) => {
    const name = physicalName(resource)
    const isPart = /^aws:(s3\/bucket(?!:)|route53|lambda\/functionUrl)/.test(resource.type)
    if (!resource.type.startsWith('aws:') || name === undefined || isPart) return []
    // IAM, S3, CloudFront and budgets have one namespace for all regions; the others are taken as if they had.
    return [{ key: `${resource.type} ${name}`, resource }]
  })

describe('names', () => {
  it('are all different in one stage, whatever the region', () => {
    const keys = namedIn(graphOf('regions')).map(({ key }) => key)
    expect(keys.length).toBeGreaterThan(100)
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([])
  })

  it('are all different in two stages', () => {
    const other = new Set(namedIn(graphOf('personalRegions')).map(({ key }) => key))
    expect(namedIn(graphOf('regions')).filter(({ key }) => other.has(key))).toEqual([])
  })

  it('are given to everything, with app and stage in them', () => {
    for (const { key, resource } of namedIn(graphOf('regions'))) {
      expect(physicalName(resource), key).toMatch(/(^|\/)ao-su-prod-/)
    }
    const wantName = [
      'dynamodb:Table',
      'sqs:Queue',
      'sns:Topic',
      'iam:Role',
      'lambda:Function',
      'cloudwatch:MetricAlarm',
      'cloudwatch:LogGroup',
    ]
    for (const type of wantName) {
      for (const resource of ofType(graphOf('regions'), type))
        expect(physicalName(resource), resource.name).toBeDefined()
    }
  })

  it('are no longer than AWS takes', () => {
    const limits: Record<string, number> = {
      'iam:Role': 64,
      'lambda:Function': 64,
      'sqs:Queue': 80,
      's3:Bucket': 63,
      'wafv2:WebAcl': 128,
      'scheduler:Schedule': 64,
    }
    for (const [type, limit] of Object.entries(limits)) {
      for (const resource of ofType(graphOf('regions'), type)) {
        expect(physicalName(resource)?.length, resource.name).toBeLessThanOrEqual(limit)
      }
    }
  })
})

describe('two regions', () => {
  const graph = graphOf('regions')
  const regions = Object.keys(graph.outputs.units)
  /** What must know of another region: placements are at home, and what CloudFront has is in us-east-1 or nowhere. */
  const shared = /(PLACEMENTS|Placements|GlobalTable|globalTableArn)/

  it('know nothing of each other', () => {
    for (const region of regions) {
      for (const other of regions.filter((name) => name !== region)) {
        const own = graph.resources.filter(
          ({ region: where, name }) => where === region && name.includes(suffixOf(region)),
        )
        expect(own.length).toBeGreaterThan(30)
        const leaks = own.flatMap((resource) =>
          [...textsIn(resource.inputs)]
            .flatMap(([path, text]) => mentions(path, text))
            .filter(({ text }) => text.includes(other) || text.includes(suffixOf(other)))
            .filter(({ path, text }) => !shared.test(path) && !shared.test(text))
            .map(({ path, text }) => `${resource.name} ${path}: ${text}`),
        )
        expect(leaks).toEqual([])
      }
    }
  })

  it('have each a whole stack: as many of everything', () => {
    const count = (region: string) => {
      const types = graph.resources
        .filter(
          ({ name }) =>
            name.includes(suffixOf(region)) &&
            !/^(Placements|Router|MigPlacements|CdnSecretRouter|Alarms|AwsProvider)|^Aws[A-Z]/.test(name) &&
            !/placements|router/i.test(name),
        )
        .map(({ type }) => type)
      return types.sort()
    }
    expect(count('eu-west-1')).toEqual(count('us-east-1'))
  })
})

/** A policy is looked at statement by statement: one may be about what is shared. */
function mentions(path: string, text: string): { path: string; text: string }[] {
  if (!path.endsWith('policy')) return [{ path, text }]
  const { Statement } = JSON.parse(text) as { Statement: unknown[] }
  return Statement.map((statement) => ({ path, text: JSON.stringify(statement) }))
}
