/** What a function may do, as IAM has it: infra/grants.ts with the resources' names, and nothing that is wider. */
import type { FunctionName } from '../functions.ts'
import { type Grant, type GrantedResource, grants } from '../grants.ts'
import type { Place } from './places.ts'

export interface Statement {
  actions: string[]
  resources: $util.Input<string>[]
  conditions?: { test: string; variable: string; values: string[] }[]
}

/** What there is for a function to be granted; what is not there cannot be called. */
export interface Grantable {
  tables: Readonly<Record<string, $util.Input<string>>>
  bucket?: $util.Input<string>
}

export const statementsOf = (name: FunctionName, grantable: Grantable): Statement[] =>
  grants[name].flatMap((grant) => {
    const resource = arnOf(grant.resource, grantable)
    return resource === undefined
      ? []
      : [{ actions: [...grant.actions], resources: [resource], ...conditionsOf(grant) }]
  })

function arnOf(resource: GrantedResource, { tables, bucket }: Grantable): $util.Input<string> | undefined {
  if ('table' in resource) return tables[resource.table]
  if (bucket === undefined) return undefined
  return resource.prefix === undefined ? bucket : $util.interpolate`${bucket}/${resource.prefix}*`
}

const conditionsOf = ({ leadingKeys }: Grant): Pick<Statement, 'conditions'> =>
  leadingKeys === undefined
    ? {}
    : {
        conditions: [{ test: 'ForAllValues:StringEquals', variable: 'dynamodb:LeadingKeys', values: [...leadingKeys] }],
      }

/** `aws`; elsewhere in China and in GovCloud. */
export const partitionOf = (options: Place['options']): $util.Output<string> =>
  aws.getPartitionOutput({}, options).partition

/** A function that calls itself. Its name is known before it is made, since its role is made before it. */
export const selfStatement = (name: string, { region, options }: Place): Statement => ({
  actions: ['lambda:InvokeFunction'],
  resources: [
    $util.interpolate`arn:${partitionOf(options)}:lambda:${region}:${aws.getCallerIdentityOutput({}, options).accountId}:function:${name}`,
  ],
})

/** A log of its own. */
export const logStatement = (logGroup: $util.Input<string>): Statement => ({
  actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  resources: [$util.interpolate`${logGroup}:*`],
})

/** What Lambda does in a function's name to start it. */
export const keyStatement = (key: $util.Input<string>): Statement => ({ actions: ['kms:Decrypt'], resources: [key] })

/** What Lambda does in a function's name to read a stream, and to hand on what it gives up. */
export const streamStatements = (stream: $util.Input<string>, failures: $util.Input<string>): Statement[] => [
  {
    actions: ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'],
    resources: [stream],
  },
  { actions: ['sqs:SendMessage'], resources: [failures] },
]

/** What Lambda does to put a function into a network of the operator's. IAM knows no names for these. */
export const networkStatement: Statement = {
  actions: [
    'ec2:CreateNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:DeleteNetworkInterface',
    'ec2:AssignPrivateIpAddresses',
    'ec2:UnassignPrivateIpAddresses',
  ],
  resources: ['*'],
}
