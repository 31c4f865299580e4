/** The functions, as infra/functions.ts has them, each told what its configuration reads and nothing else. */
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  parseHeightConfig,
  parseMigConfig,
  parseMigPlacementsConfig,
  parseMigrateConfig,
  parsePackerConfig,
  parseReconcilerConfig,
  parseRelayConfig,
  parseRouterConfig,
  parseSuConfig,
} from '../../../functions/config/functions.ts'
import { type FunctionName, type FunctionSettings, functions } from '../../../infra/functions.ts'
import { type Deployed, deployedIn, graphOf, ofType, one, type Variant } from './graph.ts'
import { logicalNameOf } from './logical.ts'

const configurationOf: Record<FunctionName, (env: Record<string, string>) => unknown> = {
  su: parseSuConfig,
  relay: parseRelayConfig,
  packer: parsePackerConfig,
  reconciler: parseReconcilerConfig,
  height: parseHeightConfig,
  router: parseRouterConfig,
  mig: parseMigConfig,
  migPlacements: parseMigPlacementsConfig,
  migrate: parseMigrateConfig,
}

/** Of AWS's runtime and of Node themselves, and of `sst dev`. */
const ofThePlatform = /^(AWS_LAMBDA_|NODE_OPTIONS$|SST_)/
const ownVariables = ({ variables }: Deployed): [string, string][] =>
  Object.entries(variables).filter(([name]) => !ofThePlatform.test(name))

const all: Variant[] = ['prod', 'personal', 'personalDev', 'regions', 'personalRegions', 'devRegions', 'elsewhere']
const deployed: Variant[] = ['prod', 'personal', 'regions', 'elsewhere']

describe.each(all)('the environment of each function (%s)', (variant) => {
  const functionsThere = deployedIn(graphOf(variant))
  // Lambda sets it.
  const environmentOf = (one: Deployed) => ({ ...Object.fromEntries(ownVariables(one)), AWS_REGION: one.region })

  it.each(functionsThere.map((one) => [one.function.name, one] as const))('%s is complete', (_, one) => {
    expect(() => configurationOf[one.name](environmentOf(one))).not.toThrow()
  })

  it.each(functionsThere.map((one) => [one.function.name, one] as const))(
    '%s has nothing that is not read',
    (_, one) => {
      const parse = configurationOf[one.name]
      const whole = parse(environmentOf(one))
      // What is read makes a difference, or a mistake, when it is something else.
      const idle = ownVariables(one).filter(([name]) => {
        try {
          return isDeepStrictEqual(parse({ ...environmentOf(one), [name]: '!' }), whole)
        } catch {
          return false
        }
      })
      expect(idle).toEqual([])
    },
  )

  it('fits into the four kilobytes that AWS allows', () => {
    for (const {
      variables,
      function: { name },
    } of functionsThere) {
      const bytes = Object.entries(variables).reduce((sum, [key, value]) => sum + Buffer.byteLength(key + value), 0)
      expect(bytes, name).toBeLessThan(4_096)
    }
  })
})

describe.each(deployed)('each function (%s)', (variant) => {
  const graph = graphOf(variant)
  const settings = {
    prod: { logDays: 30 },
    personal: { logDays: 7 },
    regions: { logDays: 30 },
    elsewhere: { logDays: 7 },
  }[variant as 'prod']

  it.each(deployedIn(graph).map((one) => [one.function.name, one] as const))(
    '%s is as infra/functions.ts says',
    (logical, { name, function: { inputs }, suffix }) => {
      const { memory, timeout, trigger, reservedConcurrency }: FunctionSettings = functions[name]
      const managed = 'capacityProviderConfig' in inputs
      expect(inputs).toMatchObject({
        runtime: 'nodejs24.x',
        architectures: ['x86_64'],
        handler: 'index.handler',
        timeout,
        memorySize: managed ? 4_096 : memory,
      })
      const { loggingConfig } = inputs as { loggingConfig: { logGroup: string } }
      const log = ofType(graph, 'cloudwatch:LogGroup').find((group) => group.inputs.name === loggingConfig.logGroup)
      expect(log?.inputs.retentionInDays).toBe(settings.logDays)
      expect(log?.name).toBe(logical.replace(/Function$/, 'Log'))

      const reserves = ['regions', 'elsewhere'].includes(variant) && !managed
      expect(inputs.reservedConcurrentExecutions).toBe(reserves ? reservedConcurrency : undefined)
      const url = ofType(graph, 'lambda:FunctionUrl').filter((one) => one.name === `${logicalNameOf(name)}${suffix}Url`)
      expect(url.map((one) => one.inputs)).toEqual(
        trigger.kind === 'http'
          ? // CORS in the app alone: twice would be wrong.
            [{ authorizationType: 'NONE', functionName: inputs.name, invokeMode: 'RESPONSE_STREAM' }]
          : [],
      )
    },
  )

  it('is deployed as what infra/build.ts built', () => {
    for (const { bundle, handler, links } of graph.builds) {
      expect(bundle).toMatch(new RegExp(`/\\.sst/bundles/${graph.app.stage}/\\w+$`))
      expect(handler).toBe('index.handler')
      // Nothing by SST's links, which grant too much.
      expect(links).toEqual({})
    }
    expect(graph.builds.length).toBe(deployedIn(graph).length)
    expect(graph.live).toEqual([])
  })

  it('answers before CloudFront stops waiting, and before its client does', () => {
    for (const { name } of deployedIn(graph)) {
      const { trigger, timeout } = functions[name]
      if (trigger.kind === 'http') expect(timeout).toBeLessThanOrEqual(30)
    }
  })
})

it('concurrency is left for others in each region', () => {
  const reserved = new Map<string, number>()
  for (const {
    region,
    function: { inputs },
  } of deployedIn(graphOf('regions'))) {
    reserved.set(region, (reserved.get(region) ?? 0) + Number(inputs.reservedConcurrentExecutions ?? 0))
  }
  expect(reserved.size).toBe(2)
  for (const sum of reserved.values()) expect(sum).toBeLessThanOrEqual(900)
})

describe('what is called by the clock', () => {
  it.each(['height', 'reconciler'] as const)('%s', (name) => {
    const graph = graphOf('regions')
    for (const suffix of ['UsEast1', 'EuWest1']) {
      const { inputs } = one(graph, 'scheduler:Schedule', `${logicalNameOf(name)}Schedule${suffix}Schedule`)
      const minutes = functions[name].trigger.rate / 60
      expect(inputs.scheduleExpression).toBe(`rate(${minutes} minute${minutes === 1 ? '' : 's'})`)
      expect(inputs.state).toBe('ENABLED')
      const called = one(graph, 'lambda:Function', `${logicalNameOf(name)}${suffix}Function`)
      expect(inputs.target).toMatchObject({
        arn: expect.stringMatching(new RegExp(`:function:${called.inputs.name}$`)),
      })
      expect(
        one(graph, 'lambda:FunctionEventInvokeConfig', `${logicalNameOf(name)}${suffix}EventInvokeConfig`).inputs,
      ).toMatchObject({
        maximumRetryAttempts: 0,
        maximumEventAgeInSeconds: functions[name].trigger.rate,
      })
    }
  })
})

describe('the stream of the log', () => {
  it.each(['UsEast1', 'EuWest1'])('calls the relay as infra/functions.ts says (%s)', (suffix) => {
    const graph = graphOf('regions')
    const { trigger } = functions.relay
    const { inputs, region } = one(graph, 'lambda:EventSourceMapping', `RelayStream${suffix}`)
    const table = one(graph, 'dynamodb:Table', `Heads${suffix}Table`)
    const relay = one(graph, 'lambda:Function', `Relay${suffix}Function`)
    const failures = one(graph, 'sqs:Queue', `Failures${suffix}Queue`)
    expect(inputs).toEqual({
      eventSourceArn: expect.stringContaining(`:table/${table.inputs.name}/stream/`),
      functionName: expect.stringMatching(new RegExp(`:function:${relay.inputs.name}$`)),
      startingPosition: 'TRIM_HORIZON',
      batchSize: trigger.batchSize,
      maximumBatchingWindowInSeconds: trigger.batchWindow,
      parallelizationFactor: trigger.parallelization,
      bisectBatchOnFunctionError: true,
      functionResponseTypes: ['ReportBatchItemFailures'],
      maximumRetryAttempts: trigger.maximumRetryAttempts,
      maximumRecordAgeInSeconds: trigger.maximumRecordAge,
      filterCriteria: { filters: trigger.filters.map((filter) => ({ pattern: JSON.stringify(filter) })) },
      destinationConfig: {
        onFailure: {
          destinationArn: expect.stringMatching(new RegExp(`^arn:aws:sqs:${region}:.*:${failures.inputs.name}$`)),
        },
      },
    })
    expect(failures.inputs.messageRetentionSeconds).toBe(14 * 24 * 3600)
  })
})

describe('the database’s tables', () => {
  it('are brought up to date before what needs them is changed', () => {
    const graph = graphOf('regions')
    for (const suffix of ['UsEast1', 'EuWest1']) {
      const migrations = one(graph, 'lambda:Invocation', `Migrations${suffix}`)
      const migrate = one(graph, 'lambda:Function', `Migrate${suffix}Function`)
      expect(migrations.inputs).toMatchObject({ functionName: migrate.inputs.name, input: '{}' })
      expect(migrations.inputs.triggers).toMatchObject({ migrations: expect.stringMatching(/^[\da-f]{64}$/) })
      for (const name of ['Su', 'Relay', 'Packer', 'Reconciler', 'Height', 'Mig']) {
        expect(one(graph, 'lambda:Function', `${name}${suffix}Function`).dependsOn).toContain(migrations.urn)
      }
    }
  })

  it('hold up no part that has none', () => {
    const graph = graphOf('regions')
    expect(
      one(graph, 'lambda:Function', 'RouterUsEast1Function').dependsOn.filter((urn) => /Migrat/.test(urn)),
    ).toEqual([])
  })

  it('are not there where no database is', () => {
    const graph = graphOf('elsewhere')
    expect(ofType(graph, 'lambda:Invocation')).toEqual([])
    expect(deployedIn(graph).map(({ name }) => name)).not.toContain('migrate')
  })
})

describe('managed instances', () => {
  const graph = graphOf('elsewhere')

  it('run the unit and nothing else, in the operator’s network, published', () => {
    const managed = deployedIn(graph).filter(({ function: { inputs } }) => 'capacityProviderConfig' in inputs)
    expect(managed.map(({ name }) => name)).toEqual(['su'])
    const provider = one(graph, 'lambda:CapacityProvider', 'CapacityEuWest1')
    expect(provider.inputs).toMatchObject({
      vpcConfig: { subnetIds: ['subnet-1', 'subnet-2'], securityGroupIds: ['sg-11111111'] },
      instanceRequirements: [{ architectures: ['x86_64'] }],
    })
    expect(managed[0]?.function.inputs).toMatchObject({
      publish: true,
      // They know no other.
      loggingConfig: { logFormat: 'JSON' },
      publishTo: 'LATEST_PUBLISHED',
      capacityProviderConfig: {
        lambdaManagedInstancesCapacityProviderConfig: {
          capacityProviderArn: expect.stringContaining(String(provider.inputs.name)),
        },
      },
    })
    expect(managed[0]?.variables.AWS_LAMBDA_NODEJS_WORKER_COUNT).toBe('1')
  })
})

describe('what moves in what another system has', () => {
  const graph = graphOf('regions')
  const called = (name: string) => one(graph, 'lambda:Function', `${name}Function`)

  it.each(['MigUsEast1', 'MigEuWest1', 'MigPlacementsUsEast1'])('%s is called by name, by nobody else', (name) => {
    const { inputs } = called(name)
    expect(ofType(graph, 'lambda:Permission').filter((one) => one.inputs.function === inputs.name)).toEqual([])
    // A call that fails is not made again by itself: what is to go on, goes on from where it was.
    expect(one(graph, 'lambda:FunctionEventInvokeConfig', `${name}EventInvokeConfig`).inputs).toMatchObject({
      maximumRetryAttempts: 0,
    })
  })

  it('is named where an operator looks', () => {
    expect(graph.outputs.mig).toEqual({
      'us-east-1': called('MigUsEast1').inputs.name,
      'eu-west-1': called('MigEuWest1').inputs.name,
    })
    expect(graph.outputs.migPlacements).toBe(called('MigPlacementsUsEast1').inputs.name)
    expect(Object.keys(graphOf('prod').outputs.mig)).toEqual(['us-east-1'])
    expect(graphOf('prod').outputs.migPlacements).toBeUndefined()
  })

  it('reaches into the operator’s network of its region', () => {
    const network = { subnetIds: ['subnet-1', 'subnet-2'], securityGroupIds: ['sg-11111111'] }
    for (const name of ['MigUsEast1', 'MigPlacementsUsEast1']) {
      expect(called(name).inputs.vpcConfig).toMatchObject(network)
    }
    expect(called('MigEuWest1').inputs.vpcConfig).toBeUndefined()
    expect(called('SuUsEast1').inputs.vpcConfig).toBeUndefined()
  })

  it.each(['prod', 'personal', 'regions', 'devRegions'] as const)('may call itself on, alone (%s)', (variant) => {
    const there = graphOf(variant)
    const allowed = ofType(there, 'lambda:FunctionRecursionConfig').map(({ inputs, region }) => ({ ...inputs, region }))
    const own = deployedIn(there)
      .filter(({ name }) => name === 'mig')
      .map(({ function: { inputs }, region }) => ({ functionName: inputs.name, recursiveLoop: 'Allow', region }))
    expect(allowed).toEqual(own)
    expect(own.length).toBeGreaterThan(0)
  })

  it('has the name that its role knows, short enough for any stage that fits', () => {
    for (const {
      name,
      region,
      function: { inputs },
    } of deployedIn(graph)) {
      if (name === 'mig') expect(inputs.name).toBe(`ao-su-prod-mig-${region}`)
    }
  })
})
