/** What is kept cannot be lost by a mistake; what is somebody's own goes without a trace. */
import { describe, expect, it } from 'vitest'
import { routerTables, tables } from '../../../infra/tables.ts'
import { type Graph, graphOf, ofType, one, type Variant } from './graph.ts'
import { logicalNameOf, suffixOf } from './logical.ts'

const kept: Variant[] = ['prod', 'regions', 'elsewhere']
const disposable: Variant[] = ['personal', 'personalDev', 'personalRegions']

const regionsOf = (graph: Graph): string[] => Object.keys(graph.outputs.units)

describe.each(kept)('a kept stage (%s)', (variant) => {
  const graph = graphOf(variant)

  it('is not removed by mistake, and leaves its data where it is', () => {
    expect(graph.app).toMatchObject({ removal: 'retain', protect: true })
    for (const resource of [
      ...ofType(graph, 'dynamodb:Table'),
      ...ofType(graph, 's3:Bucket'),
      ...ofType(graph, 'dynamodb:TableReplica'),
    ]) {
      expect(resource.retainOnDelete, resource.name).toBe(true)
    }
  })

  it('has tables that cannot be deleted, and can be had back as they were at any second', () => {
    for (const { inputs, name } of ofType(graph, 'dynamodb:Table')) {
      expect(inputs, name).toMatchObject({ deletionProtectionEnabled: true, pointInTimeRecovery: { enabled: true } })
    }
    for (const { inputs, name } of ofType(graph, 'dynamodb:TableReplica')) {
      expect(inputs, name).toMatchObject({ deletionProtectionEnabled: true, pointInTimeRecovery: true })
    }
  })

  it('has a bucket that keeps what is overwritten, and is not emptied to be deleted', () => {
    expect(ofType(graph, 's3:Bucket').map(({ inputs }) => inputs.forceDestroy)).toEqual(
      regionsOf(graph).map(() => false),
    )
    expect(ofType(graph, 's3:BucketVersioning').map(({ inputs }) => inputs.versioningConfiguration)).toEqual(
      regionsOf(graph).map(() => ({ status: 'Enabled' })),
    )
  })
})

describe('a kept stage that may be removed now', () => {
  const graph = graphOf('restored')
  /** Those of its own; the others are read, and not its to delete. */
  const ownTables = ofType(graph, 'dynamodb:Table').filter(({ existing }) => existing === undefined)

  it('can be removed, and its tables deleted by hand', () => {
    expect(graph.app).toMatchObject({ removal: 'retain', protect: false })
    for (const { inputs, name } of ownTables) expect(inputs.deletionProtectionEnabled, name).toBe(false)
  })

  it('leaves tables and bucket where they are all the same, with recovery and old versions', () => {
    expect(ownTables.length).toBeGreaterThan(0)
    for (const { inputs, name, retainOnDelete } of ownTables) {
      expect(retainOnDelete, name).toBe(true)
      expect(inputs, name).toMatchObject({ pointInTimeRecovery: { enabled: true } })
    }
    for (const { inputs, retainOnDelete } of ofType(graph, 's3:Bucket')) {
      expect(retainOnDelete).toBe(true)
      expect(inputs.forceDestroy).toBe(false)
    }
    expect(ofType(graph, 's3:BucketVersioning').map(({ inputs }) => inputs.versioningConfiguration)).toEqual([
      { status: 'Enabled' },
    ])
  })
})

describe('tables from a backup', () => {
  const graph = graphOf('restored')
  const heads = one(graph, 'dynamodb:Table', 'HeadsUsEast1Table')

  it('are used as they are, and the stack makes none in their place', () => {
    expect(
      ofType(graph, 'dynamodb:Table')
        .map(({ name, existing }) => [name, existing])
        .sort(),
    ).toEqual([
      ['HeadsUsEast1Table', 'restored-heads'],
      ['IdsUsEast1Table', 'restored-ids'],
      ['RecordsUsEast1Table', 'restored-records'],
      ['SubmissionsUsEast1Table', undefined],
    ])
  })

  it('are what functions and commands are told of, and may use', () => {
    const names = { HEADS_TABLE: 'restored-heads', RECORDS_TABLE: 'restored-records', IDS_TABLE: 'restored-ids' }
    expect(graph.outputs.units['us-east-1']).toMatchObject(names)
    const su = one(graph, 'lambda:Function', 'SuUsEast1Function')
    expect(su.inputs.environment).toMatchObject({ variables: names })
    const policies = JSON.stringify(one(graph, 'iam:Role', 'SuUsEast1Role').inputs)
    for (const name of Object.values(names)) expect(policies).toContain(`:table/${name}`)
  })

  it('call the relay by their own stream', () => {
    expect(heads.existing).toBe('restored-heads')
    expect(one(graph, 'lambda:EventSourceMapping', 'RelayStreamUsEast1').inputs.eventSourceArn).toMatch(
      /:table\/restored-heads\/stream\/2026-06-01/,
    )
  })
})

describe.each(disposable)('somebody’s own stage (%s)', (variant) => {
  const graph = graphOf(variant)

  it('is gone when it is removed', () => {
    expect(graph.app).toMatchObject({ removal: 'remove', protect: false })
    expect(
      graph.resources.filter(({ retainOnDelete, type }) => retainOnDelete && !type.endsWith(':BucketObjectv2')),
    ).toEqual([])
    for (const { inputs, name } of ofType(graph, 'dynamodb:Table')) {
      expect(inputs, name).toMatchObject({ deletionProtectionEnabled: false, pointInTimeRecovery: { enabled: false } })
    }
    for (const { inputs } of ofType(graph, 's3:Bucket')) expect(inputs.forceDestroy).toBe(true)
    expect(ofType(graph, 's3:BucketVersioning')).toEqual([])
  })

  it('costs next to nothing while nobody uses it: no firewall, no alarms, no concurrency set aside', () => {
    for (const type of [
      'wafv2:WebAcl',
      'cloudwatch:MetricAlarm',
      'cloudwatch:Dashboard',
      'sns:Topic',
      'budgets:Budget',
    ]) {
      expect(ofType(graph, type), type).toEqual([])
    }
    for (const { inputs } of ofType(graph, 'lambda:Function'))
      expect(inputs.reservedConcurrentExecutions).toBeUndefined()
  })
})

describe.each([...kept, ...disposable])('every stage (%s)', (variant) => {
  const graph = graphOf(variant)

  it('has the tables of infra/tables.ts in each region, billed by what is asked of them', () => {
    for (const region of regionsOf(graph)) {
      for (const [name, settings] of Object.entries(tables)) {
        const {
          inputs,
          region: where,
          ignoreChanges,
        } = one(graph, 'dynamodb:Table', `${logicalNameOf(name)}${suffixOf(region)}Table`)
        expect(where).toBe(region)
        // AWS raises it with the traffic; a table is never replaced for that.
        expect(ignoreChanges).toContain('warmThroughput')
        expect(inputs).toMatchObject({
          billingMode: 'PAY_PER_REQUEST',
          hashKey: settings.hashKey,
          streamEnabled: 'stream' in settings,
          ...('stream' in settings && { streamViewType: settings.stream }),
          ...(variant === 'regions' &&
            name === 'records' && { warmThroughput: { readUnitsPerSecond: 12_000, writeUnitsPerSecond: 20_000 } }),
        })
        expect(inputs.rangeKey).toBe('rangeKey' in settings ? settings.rangeKey : undefined)
        expect(inputs.ttl).toEqual('expiry' in settings ? { attributeName: settings.expiry, enabled: true } : undefined)
      }
    }
  })

  it('has placements where there is a router: in the home region, with a replica in each other one', () => {
    if (graph.outputs.router === undefined) {
      expect(ofType(graph, 'dynamodb:Table').filter(({ name }) => name.startsWith('Placements'))).toEqual([])
      return
    }
    const { PLACEMENTS_REGION: home = '' } = graph.outputs.router
    const others = regionsOf(graph).filter((region) => region !== home)
    expect(others).toEqual(['eu-west-1'])
    const table = one(graph, 'dynamodb:Table', `Placements${suffixOf(home)}Table`)
    expect(table.region).toBe(home)
    expect(table.inputs).toMatchObject({
      hashKey: routerTables.placements.hashKey,
      // Without it there are no replicas.
      streamViewType: 'NEW_AND_OLD_IMAGES',
    })
    expect(table.ignoreChanges).toContain('replicas')
    expect(ofType(graph, 'dynamodb:TableReplica').map(({ region }) => region)).toEqual(others)
  })

  it('has a bucket in each region that is closed to the public and to plain HTTP, and forgets what was left unfinished', () => {
    for (const region of regionsOf(graph)) {
      const bucket = one(graph, 's3:Bucket', `Items${suffixOf(region)}Bucket`)
      expect(bucket.region).toBe(region)
      const of = (type: string) => ofType(graph, type).filter(({ inputs }) => inputs.bucket === bucket.inputs.bucket)
      expect(of('s3:BucketPublicAccessBlock').map(({ inputs }) => inputs)).toEqual([
        {
          bucket: bucket.inputs.bucket,
          blockPublicAcls: true,
          blockPublicPolicy: true,
          ignorePublicAcls: true,
          restrictPublicBuckets: true,
        },
      ])
      expect(of('s3:BucketPolicy').map(({ inputs }) => JSON.parse(String(inputs.policy)).Statement)).toEqual([
        [
          {
            Effect: 'Deny',
            Action: ['s3:*'],
            Principal: { '*': ['*'] },
            Resource: [`arn:aws:s3:::${bucket.inputs.bucket}`, `arn:aws:s3:::${bucket.inputs.bucket}/*`],
            Condition: { Bool: { 'aws:SecureTransport': ['false'] } },
          },
        ],
      ])
      expect(of('s3:BucketCorsConfiguration')).toEqual([])
      expect(of('s3:BucketLifecycleConfiguration')[0]?.inputs.rules).toContainEqual(
        expect.objectContaining({ status: 'Enabled', abortIncompleteMultipartUpload: { daysAfterInitiation: 1 } }),
      )
    }
  })
})
