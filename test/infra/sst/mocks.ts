/**
 * Pulumi in its mock mode: every resource of the program is written down instead of being made, and the few questions that SST asks of AWS
 * are answered. Bundled with the program under test by evaluate.ts, which has Pulumi.
 */
import { createHash } from 'node:crypto'

/** A resource as it would be asked of AWS. Names come from the program, ids and ARNs from here. */
export interface GraphResource {
  type: string
  name: string
  urn: string
  parent: string | undefined
  /** Where it would be made; of AWS's resources alone. */
  region: string | undefined
  /** The id of one that is there already, and is read and never changed. */
  existing: string | undefined
  /** Secrets unwrapped: `secrets` says where they were. */
  inputs: Record<string, unknown>
  /** Paths of what is encrypted in the state: `environment.variables.SU_WALLET`. */
  secrets: string[]
  retainOnDelete: boolean
  ignoreChanges: string[]
  dependsOn: string[]
}

export interface Recorded {
  resources: GraphResource[]
  /** What the program gives, secrets unwrapped. */
  outputs: Record<string, unknown>
}

interface NewResource {
  type: string
  name: string
  inputs: Record<string, unknown>
  provider?: string
  custom?: boolean
  /** Of a resource that exists already. */
  id?: string
}

interface Call {
  token: string
  inputs: Record<string, unknown>
  provider?: string
}

/** What is used of Pulumi's SDK. */
export interface Pulumi {
  runtime: {
    setMocks(
      mocks: { newResource(args: NewResource): { id: string; state: object }; call(args: Call): object },
      project: string,
      stack: string,
      preview: boolean,
      organization: string,
    ): unknown
    getMonitor(): unknown
    deserializeProperties(properties: unknown): Record<string, unknown>
  }
}

interface RegisterRequest {
  getType(): string
  getName(): string
  getParent(): string
  getRetainondelete(): boolean
  getIgnorechangesList(): string[]
  getDependenciesList(): string[]
}

/** The part of Pulumi's engine that hears what the mocks are not told: parents, options, outputs. */
interface Monitor {
  registerResource(request: RegisterRequest, callback: (error: unknown, response: { getUrn(): string }) => void): void
  registerResourceOutputs(
    request: { getUrn(): string; getOutputs(): unknown },
    callback: (error: unknown, response: unknown) => void,
  ): void
}

const ACCOUNT = '123456789012'
/** How Pulumi marks a secret on its way. */
const SIGNATURE = '4dabf18193072939515e22adb298388d'
const SECRET = '1b47061264138c4ac30d75fd1eb44270'

export function record(pulumi: Pulumi, app: { name: string; stage: string }, homeRegion: string): Recorded {
  const recorded: Recorded = { resources: [], outputs: {} }
  const regions = new Map<string, string>()
  const regionOf = (provider: string | undefined): string =>
    regions.get(provider?.split('::').pop() ?? '') ?? homeRegion

  const newResource = ({ type, name, inputs, provider, custom, id: existing }: NewResource) => {
    const id = existing || `${name}_id`
    if (type === 'pulumi:providers:aws' && typeof inputs.region === 'string') regions.set(id, inputs.region)
    const region = regionOf(provider)
    const secrets: string[] = []
    const { __provider, ...plain } = unwrapped(inputs, '', secrets)
    recorded.resources.push({
      type,
      name,
      urn: '',
      parent: undefined,
      region: custom !== false && type.startsWith('aws:') ? region : undefined,
      existing: existing || undefined,
      inputs: plain,
      secrets,
      retainOnDelete: false,
      ignoreChanges: [],
      dependsOn: [],
    })
    return { id, state: { ...inputs, ...madeByAws({ type, name, region, inputs: plain, id: existing }) } }
  }
  pulumi.runtime.setMocks(
    { newResource, call: (args) => answer(args, regionOf(args.provider)) },
    app.name,
    app.stage,
    false,
    'organization',
  )

  const monitor = pulumi.runtime.getMonitor() as Monitor
  const register = monitor.registerResource.bind(monitor)
  monitor.registerResource = (request, callback) =>
    register(request, (error, response) => {
      const known = recorded.resources.findLast(
        ({ type, name, urn }) => type === request.getType() && name === request.getName() && urn === '',
      )
      if (known !== undefined) {
        Object.assign(known, {
          urn: response.getUrn(),
          parent: request.getParent() || undefined,
          retainOnDelete: request.getRetainondelete(),
          ignoreChanges: request.getIgnorechangesList(),
          dependsOn: request.getDependenciesList().sort(),
        })
      }
      callback(error, response)
    })
  const outputs = monitor.registerResourceOutputs.bind(monitor)
  monitor.registerResourceOutputs = (request, callback) => {
    if (request.getUrn().includes('pulumi:pulumi:Stack::')) {
      Object.assign(recorded.outputs, unwrapped(pulumi.runtime.deserializeProperties(request.getOutputs()), '', []))
    }
    outputs(request, callback)
  }
  return recorded
}

/** Without the marks of secrets, whose paths are added to `secrets`. */
function unwrapped(value: Record<string, unknown>, at: string, secrets: string[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, unwrap(inner, at === '' ? name : `${at}.${name}`, secrets)]),
  )
}

function unwrap(value: unknown, at: string, secrets: string[]): unknown {
  if (Array.isArray(value)) return value.map((inner, index) => unwrap(inner, `${at}.${index}`, secrets))
  if (typeof value !== 'object' || value === null) return value
  const fields: Record<string, unknown> = { ...value }
  if (fields[SIGNATURE] === SECRET) {
    secrets.push(at)
    return unwrap(fields.value, at, secrets)
  }
  return unwrapped(fields, at, secrets)
}

interface Made {
  type: string
  name: string
  region: string
  inputs: Record<string, unknown>
  /** Of a resource that is read, and not made. */
  id: string | undefined
}

/** What AWS adds to a resource, as far as others refer to it. */
function madeByAws({ type, name, region, inputs, id }: Made): Record<string, unknown> {
  const named = String(inputs.name ?? name)
  const arn = (service: string, rest: string) => ({ arn: `arn:aws:${service}:${region}:${ACCOUNT}:${rest}` })
  switch (type) {
    case 'aws:dynamodb/table:Table': {
      // One that exists already is read by its name.
      const isRead = id !== undefined && id !== ''
      const table = arn('dynamodb', `table/${isRead ? id : named}`)
      if (isRead) return { ...table, name: id, streamArn: `${table.arn}/stream/2026-06-01T00:00:00.000` }
      return { ...table, ...(inputs.streamEnabled ? { streamArn: `${table.arn}/stream/2026-01-01T00:00:00.000` } : {}) }
    }
    case 'aws:s3/bucket:Bucket':
      return { arn: `arn:aws:s3:::${inputs.bucket}`, id: inputs.bucket }
    case 'aws:sqs/queue:Queue':
      return arn('sqs', named)
    case 'aws:sns/topic:Topic':
      return arn('sns', named)
    case 'aws:iam/role:Role':
      return { arn: `arn:aws:iam::${ACCOUNT}:role/${named}` }
    case 'aws:cloudwatch/logGroup:LogGroup':
      return arn('logs', `log-group:${named}`)
    case 'aws:lambda/function:Function':
      return {
        ...arn('lambda', `function:${named}`),
        qualifiedArn: `${arn('lambda', `function:${named}`).arn}:1`,
        version: '1',
      }
    case 'aws:lambda/functionUrl:FunctionUrl':
      return { functionUrl: `https://${name.toLowerCase()}.lambda-url.${region}.on.aws/` }
    case 'aws:cloudfront/distribution:Distribution':
      return { domainName: `${name.toLowerCase()}.cloudfront.net`, hostedZoneId: 'Z2FDTNDATAQYW2', etag: 'E' }
    case 'aws:acm/certificate:Certificate':
      return { ...arn('acm', `certificate/${name}`), domainValidationOptions: validationOf(inputs) }
    case 'aws:kms/key:Key':
      return arn('kms', `key/${name}`)
    case 'aws:lambda/capacityProvider:CapacityProvider':
      return arn('lambda', `capacity-provider:${named}`)
    case 'aws:wafv2/webAcl:WebAcl':
    case 'aws:wafv2/ipSet:IpSet':
      return arn('wafv2', `global/${type.split(':').pop()?.toLowerCase()}/${named}/id`)
    case 'random:index/randomBytes:RandomBytes': {
      // To be known again by their beginning, and different for each name.
      const digest = createHash('sha256').update(name).digest()
      const bytes = Buffer.concat([Buffer.from('made'), digest]).subarray(0, Number(inputs.length))
      return { hex: bytes.toString('hex'), base64: bytes.toString('base64') }
    }
    case 'pulumi-nodejs:dynamic:Resource':
      return { zoneId: 'Z00000000', isDone: true }
    default:
      return type.startsWith('aws:') ? arn(type.split(':')[1]?.split('/')[0] ?? '', named) : {}
  }
}

const validationOf = ({ domainName }: Record<string, unknown>) => [
  {
    domainName,
    resourceRecordName: `_validation.${domainName}.`,
    resourceRecordType: 'CNAME',
    resourceRecordValue: '_value.acm-validations.aws.',
  },
]

function answer({ token, inputs }: Call, region: string): object {
  switch (token) {
    case 'aws:index/getRegion:getRegion':
      return { region, name: region, id: region }
    case 'aws:index/getPartition:getPartition':
      return { partition: 'aws', id: 'aws', dnsSuffix: 'amazonaws.com' }
    case 'aws:index/getCallerIdentity:getCallerIdentity':
      return { accountId: ACCOUNT, arn: `arn:aws:iam::${ACCOUNT}:user/operator`, id: ACCOUNT }
    case 'aws:servicequotas/getServiceQuota:getServiceQuota':
      // A region in which the account is new.
      return { ...inputs, value: region === 'eu-west-3' ? 10 : 1_000 }
    case 'aws:dynamodb/getTable:getTable':
      return describedTable(String(inputs.name))
    case 'aws:iam/getPolicyDocument:getPolicyDocument':
      return policyDocument(inputs)
    default:
      throw new Error(`The program asks AWS for ${token}: mocks.ts has no answer.`)
  }
}

/** `bare-heads` is as a restore leaves it, `restored-heads` as docs/restore.md prepares it; it is not protected from deletion. */
function describedTable(name: string): object {
  const [state, table = ''] = name.split('-')
  const ready = state === 'restored'
  const keys: Record<string, object> = {
    heads: { hashKey: 'process', rangeKey: 'row' },
    records: { hashKey: 'pk', rangeKey: '' },
    ids: { hashKey: 'id', rangeKey: 'at' },
  }
  const streamed = ready && table === 'heads'
  return {
    name,
    id: name,
    ...keys[table],
    streamEnabled: streamed,
    streamViewType: streamed ? 'NEW_IMAGE' : '',
    ttl: { enabled: false, attributeName: '' },
    pointInTimeRecovery: { enabled: ready, recoveryPeriodInDays: 35 },
    deletionProtectionEnabled: false,
  }
}

interface PolicyStatement {
  effect?: string
  actions?: string[]
  resources?: string[]
  principals?: { type: string; identifiers: string[] }[]
  conditions?: { test: string; variable: string; values: string[] }[]
}

/** As the AWS provider renders it. */
function policyDocument(inputs: Record<string, unknown>): object {
  const { statements = [] } = inputs as { statements?: PolicyStatement[] }
  const Statement = statements.map(({ effect = 'Allow', actions, resources, principals, conditions }) => ({
    Effect: effect,
    Action: actions,
    Resource: resources,
    ...(principals && {
      Principal: Object.fromEntries(principals.map(({ type, identifiers }) => [type, identifiers])),
    }),
    ...(conditions?.length && { Condition: conditionsOf(conditions) }),
  }))
  const json = JSON.stringify({ Version: '2012-10-17', Statement })
  return {
    ...inputs,
    statements: statements.length > 0 ? statements : undefined,
    json,
    minifiedJson: json,
    id: 'document',
  }
}

function conditionsOf(conditions: readonly { test: string; variable: string; values: string[] }[]) {
  const tests: Record<string, Record<string, string[]>> = {}
  for (const { test, variable, values } of conditions) tests[test] = { ...tests[test], [variable]: values }
  return tests
}
