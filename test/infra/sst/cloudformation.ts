/**
 * The resource graph as a CloudFormation template, whose schemas say what AWS takes: ranges, patterns, enumerations. Only to be linted
 * (`npm run test:cfn`), never to be deployed.
 */
import type { GraphResource } from './mocks.ts'

type Values = Record<string, unknown>

interface Mapped {
  Type: string
  Properties: Values
}

/** Words that CloudFormation writes in its own way. */
const words: Record<string, string> = {
  acmCertificateArn: 'AcmCertificateArn',
  cloudwatchMetricsEnabled: 'CloudWatchMetricsEnabled',
  defaultTtl: 'DefaultTTL',
  errorCachingMinTtl: 'ErrorCachingMinTTL',
  executionEnvironmentMemoryGibPerVcpu: 'ExecutionEnvironmentMemoryGiBPerVCpu',
  httpPort: 'HTTPPort',
  httpsPort: 'HTTPSPort',
  ipAddressVersion: 'IPAddressVersion',
  ipSetReferenceStatement: 'IPSetReferenceStatement',
  isIpv6Enabled: 'IPV6Enabled',
  maxTtl: 'MaxTTL',
  minTtl: 'MinTTL',
  originSslProtocols: 'OriginSSLProtocols',
  webAclId: 'WebACLId',
}

const pascal = (name: string): string => words[name] ?? name.charAt(0).toUpperCase() + name.slice(1)

/** Names as CloudFormation has them, at every depth. */
function renamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(renamed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [pascal(name), renamed(inner)]))
}

/** What is given, under other names: `{ name: 'TableName' }`. What is not named keeps its own. */
function picked(inputs: Values, names: Record<string, string>, left: readonly string[] = []): Values {
  return Object.fromEntries(
    Object.entries(inputs)
      .filter(([name]) => !left.includes(name))
      .map(([name, value]) => [names[name] ?? pascal(name), renamed(value)]),
  )
}

const of = (inputs: Values, name: string): Values => (inputs[name] ?? {}) as Values
const list = (inputs: Values, name: string): Values[] => (inputs[name] ?? []) as Values[]
const given = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))

const mappings: Record<string, (inputs: Values) => Mapped> = {
  'aws:dynamodb/table:Table': (inputs) => ({
    Type: 'AWS::DynamoDB::Table',
    Properties: given({
      TableName: inputs.name,
      BillingMode: inputs.billingMode,
      AttributeDefinitions: list(inputs, 'attributes').map(({ name, type }) => ({
        AttributeName: name,
        AttributeType: type,
      })),
      KeySchema: [
        { AttributeName: inputs.hashKey, KeyType: 'HASH' },
        ...(inputs.rangeKey ? [{ AttributeName: inputs.rangeKey, KeyType: 'RANGE' }] : []),
      ],
      DeletionProtectionEnabled: inputs.deletionProtectionEnabled,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: of(inputs, 'pointInTimeRecovery').enabled },
      StreamSpecification: inputs.streamEnabled ? { StreamViewType: inputs.streamViewType } : undefined,
      TimeToLiveSpecification: inputs.ttl ? renamed(inputs.ttl) : undefined,
      WarmThroughput: inputs.warmThroughput ? renamed(inputs.warmThroughput) : undefined,
    }),
  }),
  'aws:lambda/function:Function': ({ environment, s3Bucket, s3Key, ...inputs }) => ({
    Type: 'AWS::Lambda::Function',
    Properties: {
      // Publishing is a resource of its own there.
      ...picked(inputs, { name: 'FunctionName' }, ['publish', 'publishTo']),
      // Names of variables are not CloudFormation's.
      Environment: { Variables: of({ environment }, 'environment').variables },
      Code: { S3Bucket: s3Bucket, S3Key: s3Key },
    },
  }),
  'aws:lambda/functionUrl:FunctionUrl': (inputs) => ({
    Type: 'AWS::Lambda::Url',
    Properties: picked(inputs, { authorizationType: 'AuthType', functionName: 'TargetFunctionArn' }),
  }),
  'aws:lambda/permission:Permission': (inputs) => ({
    Type: 'AWS::Lambda::Permission',
    Properties: picked(inputs, { function: 'FunctionName' }),
  }),
  'aws:lambda/eventSourceMapping:EventSourceMapping': (inputs) => ({
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: {
      ...picked(inputs, {}),
      DestinationConfig: {
        OnFailure: { Destination: of(of(inputs, 'destinationConfig'), 'onFailure').destinationArn },
      },
    },
  }),
  'aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig': (inputs) => ({
    Type: 'AWS::Lambda::EventInvokeConfig',
    Properties: { ...picked(inputs, {}), Qualifier: '$LATEST' },
  }),
  'aws:iam/role:Role': ({ inlinePolicies, assumeRolePolicy, ...inputs }) => ({
    Type: 'AWS::IAM::Role',
    Properties: {
      ...picked(inputs, { name: 'RoleName' }),
      AssumeRolePolicyDocument: document(assumeRolePolicy),
      Policies: list({ inlinePolicies }, 'inlinePolicies').map(({ name, policy }) => ({
        PolicyName: name,
        PolicyDocument: document(policy),
      })),
    },
  }),
  'aws:scheduler/schedule:Schedule': (inputs) => ({ Type: 'AWS::Scheduler::Schedule', Properties: picked(inputs, {}) }),
  'aws:sqs/queue:Queue': (inputs) => ({
    Type: 'AWS::SQS::Queue',
    Properties: picked(
      inputs,
      {
        name: 'QueueName',
        messageRetentionSeconds: 'MessageRetentionPeriod',
        visibilityTimeoutSeconds: 'VisibilityTimeout',
      },
      ['fifoQueue', 'contentBasedDeduplication'],
    ),
  }),
  'aws:sns/topic:Topic': (inputs) => ({ Type: 'AWS::SNS::Topic', Properties: picked(inputs, { name: 'TopicName' }) }),
  'aws:kms/key:Key': (inputs) => ({
    Type: 'AWS::KMS::Key',
    Properties: picked(inputs, { deletionWindowInDays: 'PendingWindowInDays' }),
  }),
  'aws:cloudwatch/logGroup:LogGroup': (inputs) => ({
    Type: 'AWS::Logs::LogGroup',
    Properties: picked(inputs, { name: 'LogGroupName' }),
  }),
  'aws:cloudwatch/logMetricFilter:LogMetricFilter': (inputs) => {
    const { name, namespace, value } = of(inputs, 'metricTransformation')
    return {
      Type: 'AWS::Logs::MetricFilter',
      Properties: {
        FilterName: inputs.name,
        FilterPattern: inputs.pattern,
        LogGroupName: inputs.logGroupName,
        MetricTransformations: [{ MetricName: name, MetricNamespace: namespace, MetricValue: value }],
      },
    }
  },
  'aws:cloudwatch/metricAlarm:MetricAlarm': (inputs) => ({
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      ...picked(inputs, { name: 'AlarmName', okActions: 'OKActions' }),
      Dimensions: Object.entries(of(inputs, 'dimensions')).map(([Name, Value]) => ({ Name, Value })),
    },
  }),
  'aws:wafv2/ipSet:IpSet': (inputs) => ({ Type: 'AWS::WAFv2::IPSet', Properties: picked(inputs, {}) }),
  'aws:wafv2/webAcl:WebAcl': (inputs) => ({
    Type: 'AWS::WAFv2::WebACL',
    Properties: {
      ...picked(inputs, {}),
      CustomResponseBodies: Object.fromEntries(
        list(inputs, 'customResponseBodies').map(({ key, ...body }) => [String(key), renamed(body)]),
      ),
    },
  }),
  'aws:cloudfront/cachePolicy:CachePolicy': (inputs) => ({
    Type: 'AWS::CloudFront::CachePolicy',
    Properties: { CachePolicyConfig: picked(inputs, {}) },
  }),
  'aws:cloudfront/distribution:Distribution': ({ origins, viewerCertificate, ...inputs }) => ({
    Type: 'AWS::CloudFront::Distribution',
    Properties: {
      DistributionConfig: {
        ...picked(inputs, {}, ['waitForDeployment', 'tags']),
        Origins: list({ origins }, 'origins').map(({ originId, customHeaders, ...origin }) => ({
          ...picked(origin, {}),
          Id: originId,
          OriginCustomHeaders: list({ customHeaders }, 'customHeaders').map(({ name, value }) => ({
            HeaderName: name,
            HeaderValue: value,
          })),
        })),
        ViewerCertificate: picked(of({ viewerCertificate }, 'viewerCertificate'), {
          cloudfrontDefaultCertificate: 'CloudFrontDefaultCertificate',
        }),
      },
    },
  }),
}

/** A policy is text or an object by then. */
const document = (policy: unknown): unknown => (typeof policy === 'string' ? JSON.parse(policy) : policy)

/** One region's resources: a template is a region's. What has no mapping is left out, and so is what is read and not made. */
export function templateOf(resources: readonly GraphResource[]): { Resources: Record<string, Mapped> } {
  const Resources = Object.fromEntries(
    resources.flatMap(({ type, name, inputs, existing }) => {
      const mapping = mappings[type]
      return mapping === undefined || existing !== undefined
        ? []
        : [[`${name}${type.split(':').pop()}`, mapping(inputs)]]
    }),
  )
  return { Resources }
}
