/** Nobody may do more than infra/grants.ts says: every statement of every role is accounted for. */
import { describe, expect, it } from 'vitest'
import { type FunctionSettings, functions } from '../../../infra/functions.ts'
import { type GrantedResource, grants } from '../../../infra/grants.ts'
import {
  type Deployed,
  deployedIn,
  type Graph,
  type GraphResource,
  graphOf,
  ofType,
  one,
  type Variant,
} from './graph.ts'
import { logicalNameOf } from './logical.ts'

interface Statement {
  Effect: string
  Action: string[]
  Resource: string[]
  Condition?: unknown
}

const statementsOf = ({ inputs }: GraphResource): Statement[] =>
  ((inputs.inlinePolicies ?? []) as { policy: string }[]).flatMap(
    ({ policy }) => JSON.parse(policy).Statement as Statement[],
  )

const account = '123456789012'

/** The ARN of what a grant is about, for a function where it is. */
function arnOf(resource: GrantedResource, { suffix, region }: Deployed, graph: Graph): string | undefined {
  if ('table' in resource) {
    const isRouters = resource.table === 'placements'
    const [table] = ofType(graph, 'dynamodb:Table').filter(({ name }) =>
      isRouters ? name.startsWith('Placements') : name === `${logicalNameOf(resource.table)}${suffix}Table`,
    )
    return table && `arn:aws:dynamodb:${isRouters ? table.region : region}:${account}:table/${table.inputs.name}`
  }
  const bucket = one(graph, 's3:Bucket', `Items${suffix}Bucket`).inputs.bucket
  return resource.prefix === undefined ? `arn:aws:s3:::${bucket}` : `arn:aws:s3:::${bucket}/${resource.prefix}*`
}

/** All that a function may do, made of infra/grants.ts anew, and what Lambda does in its name. */
function expectedOf(deployed: Deployed, graph: Graph): Statement[] {
  const {
    name,
    suffix,
    region,
    function: { inputs },
  } = deployed
  const granted = grants[name].flatMap(({ resource, actions, leadingKeys }) => {
    const arn = arnOf(resource, deployed, graph)
    if (arn === undefined) return []
    return [
      {
        Effect: 'Allow',
        Action: [...actions],
        Resource: [arn],
        ...(leadingKeys && { Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': leadingKeys } } }),
      },
    ]
  })
  const { logGroup } = inputs.loggingConfig as { logGroup: string }
  const log = {
    Effect: 'Allow',
    Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    Resource: [`arn:aws:logs:${region}:${account}:log-group:${logGroup}:*`],
  }
  const { trigger }: FunctionSettings = functions[name]
  const itself = {
    Effect: 'Allow',
    Action: ['lambda:InvokeFunction'],
    Resource: [`arn:aws:lambda:${region}:${account}:function:${inputs.name}`],
  }
  return [
    ...granted,
    log,
    ...(trigger.kind === 'stream' ? streamOf(suffix, region, graph) : []),
    ...(trigger.kind === 'manual' && trigger.callsItself ? [itself] : []),
    ...(inputs.vpcConfig ? [network] : []),
    ...(inputs.kmsKeyArn ? [{ Effect: 'Allow', Action: ['kms:Decrypt'], Resource: [String(inputs.kmsKeyArn)] }] : []),
  ]
}

const streamOf = (suffix: string, region: string, graph: Graph): Statement[] => [
  {
    Effect: 'Allow',
    Action: ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'],
    Resource: [
      expect.stringMatching(
        new RegExp(`:table/${one(graph, 'dynamodb:Table', `Heads${suffix}Table`).inputs.name}/stream/[^*]+$`),
      ),
    ],
  },
  {
    Effect: 'Allow',
    Action: ['sqs:SendMessage'],
    Resource: [`arn:aws:sqs:${region}:${account}:${one(graph, 'sqs:Queue', `Failures${suffix}Queue`).inputs.name}`],
  },
]

/** The one statement without a name in it: IAM has none for these. */
const network: Statement = {
  Effect: 'Allow',
  Action: expect.arrayContaining(['ec2:CreateNetworkInterface', 'ec2:DeleteNetworkInterface']),
  Resource: ['*'],
}

describe.each(['prod', 'personal', 'regions', 'elsewhere'] as const)(
  'the role of each function (%s)',
  (variant: Variant) => {
    const graph = graphOf(variant)

    it.each(deployedIn(graph).map((deployed) => [deployed.function.name, deployed] as const))(
      '%s may do what it does, and no more',
      (_, deployed) => {
        const {
          role,
          function: { inputs },
        } = deployed
        expect(statementsOf(role)).toEqual(expectedOf(deployed, graph))
        expect(role.inputs.managedPolicyArns).toEqual([])
        expect(inputs.role).toBe(`arn:aws:iam::${account}:role/${role.inputs.name}`)
        // Nobody but Lambda may be it.
        expect((role.inputs.assumeRolePolicy as { Statement: unknown[] }).Statement).toEqual([
          expect.objectContaining({ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' } }),
        ])
      },
    )

    it('has nothing wider in any role: no action with a star, no resource with one but the end of a name', () => {
      for (const role of ofType(graph, 'iam:Role')) {
        for (const { Action, Resource } of statementsOf(role)) {
          for (const action of Action) expect(action, role.name).not.toContain('*')
          for (const resource of Resource) {
            if (resource === '*')
              expect(
                Action.every((action) => action.startsWith('ec2:')),
                role.name,
              ).toBe(true)
            else expect(resource, role.name).toMatch(/^arn:aws:[^*]+(\/(items|segments)\/\*|:log-group:[^*]+:\*)?$/)
          }
        }
      }
    })

    it('is one of a known few: functions, schedules, the operator of managed instances', () => {
      const ofFunctions = new Set(deployedIn(graph).map(({ role }) => role.name))
      for (const role of ofType(graph, 'iam:Role').filter(({ name }) => !ofFunctions.has(name))) {
        if (role.name.startsWith('CapacityRole')) {
          expect(role.inputs.managedPolicyArns).toEqual(['arn:aws:iam::aws:policy/AWSLambdaManagedEC2ResourceOperator'])
          expect(statementsOf(role)).toEqual([])
          continue
        }
        const [, called = '', suffix = ''] = /^(Height|Reconciler)Schedule(.+)Role$/.exec(role.name) ?? []
        const target = one(graph, 'lambda:Function', `${called}${suffix}Function`)
        expect(statementsOf(role)).toEqual([
          {
            Effect: 'Allow',
            Action: ['lambda:InvokeFunction'],
            Resource: [`arn:aws:lambda:${target.region}:${account}:function:${target.inputs.name}`],
          },
        ])
        expect(role.inputs.managedPolicyArns ?? []).toEqual([])
      }
      expect(ofType(graph, 'iam:Policy')).toEqual([])
      expect(ofType(graph, 'iam:RolePolicyAttachment')).toEqual([])
    })

    it('lets the world call only what is behind a CDN', () => {
      const allowed = ofType(graph, 'lambda:Permission').map(({ inputs }) => inputs.function)
      const http = deployedIn(graph)
        .filter(({ name }) => functions[name].trigger.kind === 'http')
        .map(({ function: { inputs } }) => inputs.name)
      expect(new Set(allowed)).toEqual(new Set(http))
      for (const { inputs } of ofType(graph, 'lambda:Permission')) {
        expect(inputs.functionUrlAuthType === 'NONE' || inputs.invokedViaFunctionUrl === true).toBe(true)
      }
    })
  },
)
