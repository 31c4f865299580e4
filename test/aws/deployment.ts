/**
 * Makes what a unit runs on, out of the resource graph of infra/sst, by AWS's own API: tables, bucket, queue, roles, functions, the
 * mappings of streams and the function URL. It leaves out the CDN, the firewall, alarms, schedules and keys.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  UpdateContinuousBackupsCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam'
import {
  AddPermissionCommand,
  type AddPermissionCommandInput,
  CreateEventSourceMappingCommand,
  type CreateEventSourceMappingCommandInput,
  CreateFunctionCommand,
  type CreateFunctionCommandInput,
  CreateFunctionUrlConfigCommand,
  type CreateFunctionUrlConfigCommandInput,
  InvokeCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs'
import { type FunctionName, functions } from '../../infra/functions.ts'
import { type Deployed, deployedIn, type Graph, ofType } from '../infra/sst/graph.ts'
import { zipped } from './ministack.ts'

type Values = Record<string, unknown>

export interface Deployment {
  /** The unit's function URL. */
  url: string
  /** What the CDN adds to each request. */
  headers: Record<string, string>
  /** The functions that a schedule calls. */
  scheduled: readonly FunctionName[]
  /** Calls a function. @returns its answer as JSON, and its error if it failed */
  call(name: FunctionName): Promise<{ answer: string; error: string | undefined }>
  /** Ends all instances: the next calls meet new ones. */
  restart(): Promise<void>
  /** Gives a function's role another policy. @param policyOf from the one that the graph has, as JSON */
  setPolicy(name: FunctionName, policyOf: (policy: string) => string): Promise<void>
  /** Batches that the stream has given up. */
  givenUp(): Promise<number>
  close(): void
}

/**
 * @param endpoint of AWS's API
 * @param variables addresses of stand-ins, in place of the graph's; each function gets those that it has
 */
export async function deploy(
  graph: Graph,
  endpoint: string,
  variables: Readonly<Record<string, string>>,
): Promise<Deployment> {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const settings = { endpoint, region: 'us-east-1', credentials }
  const iam = new IAMClient(settings)
  const dynamodb = new DynamoDBClient(settings)
  const s3 = new S3Client({ ...settings, forcePathStyle: true })
  const sqs = new SQSClient(settings)
  const lambda = new LambdaClient(settings)
  const deployed = deployedIn(graph).filter(({ name }) => isRunning(name))
  const physical = new Map(deployed.map(({ name, function: made }) => [name, String(made.inputs.name)]))

  /** ARNs of streams as the graph has them, and as they are. */
  const streams = new Map<string, string>()
  for (const { inputs } of ofType(graph, 'dynamodb:Table')) {
    const { TableDescription } = await dynamodb.send(new CreateTableCommand(tableOf(inputs)))
    const { TableArn = '', LatestStreamArn } = TableDescription ?? {}
    if (LatestStreamArn) streams.set(`${TableArn}/stream/2026-01-01T00:00:00.000`, LatestStreamArn)
    await setUp(inputs)
  }
  const real = <T>(values: T): T => {
    const text = [...streams].reduce((sum, [known, arn]) => sum.replaceAll(known, arn), JSON.stringify(values))
    return JSON.parse(text) as T
  }

  async function setUp({ name, ttl, pointInTimeRecovery }: Values): Promise<void> {
    const TableName = String(name)
    if (ttl) {
      const TimeToLiveSpecification = renamed<{ AttributeName: string; Enabled: boolean }>(ttl)
      await dynamodb.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }))
    }
    const PointInTimeRecoverySpecification = {
      PointInTimeRecoveryEnabled: (pointInTimeRecovery as { enabled: boolean }).enabled,
    }
    await dynamodb.send(new UpdateContinuousBackupsCommand({ TableName, PointInTimeRecoverySpecification }))
  }

  for (const { inputs } of ofType(graph, 's3:Bucket')) {
    await s3.send(new CreateBucketCommand({ Bucket: String(inputs.bucket) }))
  }
  const queues = ofType(graph, 'sqs:Queue').map(({ inputs }) =>
    sqs.send(
      new CreateQueueCommand({
        QueueName: String(inputs.name),
        Attributes: { MessageRetentionPeriod: String(inputs.messageRetentionSeconds) },
      }),
    ),
  )
  const queueUrls = (await Promise.all(queues)).map(({ QueueUrl }) => QueueUrl)

  const policiesOf = ({ role }: Deployed) => real(role.inputs.inlinePolicies as { name: string; policy: string }[])
  const setPolicies = async (one: Deployed, policyOf = (policy: string) => policy) => {
    for (const { name: PolicyName, policy } of policiesOf(one)) {
      const input = { RoleName: String(one.role.inputs.name), PolicyName, PolicyDocument: policyOf(policy) }
      await iam.send(new PutRolePolicyCommand(input))
    }
  }
  for (const one of deployed) {
    const { name, assumeRolePolicy } = one.role.inputs
    const AssumeRolePolicyDocument = JSON.stringify(assumeRolePolicy)
    await iam.send(new CreateRoleCommand({ RoleName: String(name), AssumeRolePolicyDocument }))
    await setPolicies(one)
    const replaced = Object.entries(variables).filter(([variable]) => variable in one.variables)
    const environment = { ...one.variables, ...Object.fromEntries(replaced) }
    await lambda.send(new CreateFunctionCommand(functionOf(one, environment)))
  }

  for (const { inputs } of ofType(graph, 'lambda:EventSourceMapping')) {
    const input = renamed<CreateEventSourceMappingCommandInput>(real(inputs))
    await lambda.send(new CreateEventSourceMappingCommand(input))
  }
  for (const [index, { inputs }] of ofType(graph, 'lambda:Permission').entries()) {
    const { Function: FunctionName, ...rest } = renamed<Values>(inputs)
    const input = { ...rest, FunctionName, StatementId: `statement-${index}` } as AddPermissionCommandInput
    await lambda.send(new AddPermissionCommand(input))
  }
  const urls = ofType(graph, 'lambda:FunctionUrl').map(({ inputs }) => {
    const { AuthorizationType: AuthType, ...rest } = renamed<Values>(inputs)
    const input = { ...rest, AuthType } as CreateFunctionUrlConfigCommandInput
    return lambda.send(new CreateFunctionUrlConfigCommand(input))
  })
  const [{ FunctionUrl = '' } = {}] = await Promise.all(urls)
  // The name of its host has no address here. MiniStack takes it in the path as well.
  const [id] = new URL(FunctionUrl).hostname.split('.')

  return {
    url: `${endpoint}/_aws/lambda-url/${id}`,
    headers: headersOfCdn(graph),
    scheduled: [...physical.keys()].filter((name) => functions[name].trigger.kind === 'schedule'),
    async call(name) {
      const input = { FunctionName: physical.get(name), Payload: '{}' }
      const { Payload, FunctionError } = await lambda.send(new InvokeCommand(input))
      return { answer: Buffer.from(Payload ?? []).toString(), error: FunctionError }
    },
    async restart() {
      for (const FunctionName of physical.values()) {
        await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Description: 'Started again.' }))
      }
    },
    async setPolicy(name, policyOf) {
      for (const one of deployed) if (one.name === name) await setPolicies(one, policyOf)
    },
    async givenUp() {
      const AttributeNames = ['ApproximateNumberOfMessages' as const]
      const counts = queueUrls.map((QueueUrl) => sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames })))
      const found = await Promise.all(counts)
      return found.reduce((sum, { Attributes }) => sum + Number(Attributes?.ApproximateNumberOfMessages), 0)
    },
    close() {
      for (const client of [iam, dynamodb, s3, sqs, lambda]) client.destroy()
    },
  }
}

/** What runs by itself; an operator calls the others. */
const isRunning = (name: FunctionName): boolean => ['http', 'stream', 'schedule'].includes(functions[name].trigger.kind)

/** Names as AWS's API has them, which are Pulumi's with a capital. */
function renamed<T>(value: unknown): T {
  if (Array.isArray(value)) return value.map((one) => renamed(one)) as T
  if (typeof value !== 'object' || value === null) return value as T
  const entries = Object.entries(value).map(([name, inner]) => [capital(name), renamed(inner)])
  return Object.fromEntries(entries) as T
}

const capital = (name: string): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}`

function tableOf(inputs: Values): CreateTableCommandInput {
  const attributes = inputs.attributes as { name: string; type: 'S' }[]
  const { hashKey, rangeKey, streamEnabled } = inputs
  return {
    TableName: String(inputs.name),
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: attributes.map(({ name, type }) => ({ AttributeName: name, AttributeType: type })),
    KeySchema: [
      { AttributeName: String(hashKey), KeyType: 'HASH' },
      ...(rangeKey ? [{ AttributeName: String(rangeKey), KeyType: 'RANGE' } as const] : []),
    ],
    DeletionProtectionEnabled: inputs.deletionProtectionEnabled === true,
    ...(streamEnabled === true && { StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' } }),
  }
}

/** With the bundle that was built for the graph. One that streams gets in front of it what MiniStack's runtime has not. */
function functionOf(
  { name, function: { inputs } }: Deployed,
  Variables: Record<string, string>,
): CreateFunctionCommandInput {
  const dir = mkdtempSync(join(tmpdir(), `su-${name}-`))
  try {
    const bundle = join(dir, 'bundle')
    cpSync(`.sst/bundles/prod/${name}`, bundle, { recursive: true })
    const streams = functions[name].trigger.kind === 'http'
    if (streams) cpSync(join(import.meta.dirname, 'streaming.js'), join(bundle, 'streaming.mjs'))
    const archive = join(dir, 'code.zip')
    const files = readdirSync(bundle).map((file) => join(bundle, file))
    zipped(archive, files)
    // Its code is elsewhere, and its key is a name in the graph.
    const { name: FunctionName, s3Bucket: _, s3Key: __, publish: ___, kmsKeyArn: ____, ...rest } = inputs
    return {
      ...renamed<Values>(rest),
      FunctionName: String(FunctionName),
      Role: String(inputs.role),
      ...(streams && { Handler: 'streaming.handler' }),
      Environment: { Variables },
      Code: { ZipFile: readFileSync(archive) },
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function headersOfCdn(graph: Graph): Record<string, string> {
  const [distribution] = ofType(graph, 'cloudfront:Distribution')
  const origins = (distribution?.inputs.origins ?? []) as { customHeaders?: { name: string; value: string }[] }[]
  const headers = origins.flatMap(({ customHeaders = [] }) => customHeaders)
  return Object.fromEntries(headers.map(({ name, value }) => [name, value]))
}
