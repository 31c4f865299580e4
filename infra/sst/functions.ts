/** The Lambda functions, by infra/functions.ts: deployed are the bundles of infra/build.ts, `sst dev` runs the sources. */
import { resolve } from 'node:path'
import { type FunctionName, type FunctionSettings, functions } from '../functions.ts'
import type { Network, Settings } from '../stage.ts'
import { bundleOf } from './bundles.ts'
import { environmentOf, type Variables } from './environment.ts'
import type { Capacity } from './managed-instances.ts'
import { logicalOf, physicalOf } from './names.ts'
import type { Place } from './places.ts'
import {
  type Grantable,
  keyStatement,
  logStatement,
  networkStatement,
  type Statement,
  selfStatement,
  statementsOf,
} from './policy.ts'

export interface FunctionOptions {
  place: Place
  settings: Pick<Settings, 'logDays' | 'reserveConcurrency'>
  /** All that is known; the function gets what it reads. */
  known: Variables
  /** Likewise, but not for everyone who may read the function's configuration. */
  secrets: Variables
  /** Encrypts the variables of a function that has secrets; none: AWS's own key, which hides nothing from the account's readers. */
  key: aws.kms.Key | undefined
  grantable: Grantable
  /** What it needs beside what its own code calls. */
  statements?: Statement[]
  network?: Network | undefined
  /** Runs on Lambda Managed Instances. */
  capacity?: Capacity | undefined
  /** Further files of its bundle: from a folder of the repository to one beside the code. */
  copyFiles?: { from: string; to: string }[]
  /** Made, and up to date, before the function is. */
  dependsOn?: $util.Input<$util.Resource>[]
}

export interface DeployedFunction {
  function: sst.aws.Function
  logGroup: aws.cloudwatch.LogGroup
  environment: Variables
}

export function createFunction(name: FunctionName, options: FunctionOptions): DeployedFunction {
  const { place, settings, known, grantable, statements = [], network, capacity, copyFiles, dependsOn = [] } = options
  const secrets = environmentOf(name, options.secrets)
  const key = Object.keys(secrets).length > 0 ? options.key : undefined
  const { entry, memory, timeout, reservedConcurrency, trigger }: FunctionSettings = functions[name]
  const logical = `${logicalOf(name)}${place.suffix}`
  const http = trigger.kind === 'http'
  const ownName =
    trigger.kind === 'manual' && trigger.callsItself ? physicalOf(`${name}-${place.region}`, 64) : undefined
  // What is called while deploying must be there without a developer's machine.
  const live = $dev && trigger.kind !== 'deploy'
  const environment = {
    ...environmentOf(name, known),
    ...secrets,
    // Readable traces. Where somebody waits for an answer they are left out: reading the maps makes a cold start half as long again.
    ...(!http && { NODE_OPTIONS: '--enable-source-maps' }),
    ...capacity?.variables,
  }
  const logGroup = new aws.cloudwatch.LogGroup(
    `${logical}Log`,
    { name: `/aws/lambda/${physicalOf(`${name}-${place.region}`, 500)}`, retentionInDays: settings.logDays },
    place.options,
  )
  const made = new sst.aws.Function(
    logical,
    {
      description: `${logicalOf(name)} of ${place.region}`,
      ...(ownName !== undefined && { name: ownName }),
      runtime: 'nodejs24.x',
      // Only here are RSA signatures fast: AWS's arm64 has nothing for them.
      architecture: 'x86_64',
      handler: live ? entry.replace(/\.ts$/, '.handler') : 'index.handler',
      ...(!live && { bundle: resolve(bundleOf(name)) }),
      ...(copyFiles && { copyFiles }),
      ...(trigger.kind === 'deploy' && { dev: false as const }),
      memory: `${memory} MB`,
      timeout: `${timeout} seconds`,
      streaming: http,
      // CORS is the app's.
      ...(http && { url: { authorization: 'none' as const, cors: false } }),
      ...((trigger.kind === 'schedule' || trigger.kind === 'manual') && { retries: 0 }),
      environment,
      permissions: [
        ...statementsOf(name, grantable),
        logStatement(logGroup.arn),
        ...statements,
        ...(ownName === undefined ? [] : [selfStatement(ownName, place)]),
        ...(network ? [networkStatement] : []),
        ...(key ? [keyStatement(key.arn)] : []),
      ],
      // Managed instances know JSON alone. Our own lines are JSON either way.
      logging: { logGroup: logGroup.name, format: capacity ? 'json' : 'text' },
      ...(network && { vpc: { privateSubnets: [...network.subnets], securityGroups: [...network.securityGroups] } }),
      ...(settings.reserveConcurrency &&
        reservedConcurrency !== undefined &&
        capacity === undefined && { concurrency: { reserved: reservedConcurrency } }),
      transform: {
        role: (args) => {
          // The policies that SST attaches by itself allow every log of the account,
          args.managedPolicyArns = []
          // and it lets anybody of the account be the function, as only `sst dev` needs it.
          if (!live) args.assumeRolePolicy = aws.iam.assumeRolePolicyForPrincipal({ Service: 'lambda.amazonaws.com' })
        },
        function: (args, opts) => {
          // A component's own dependencies are not its resources'.
          opts.dependsOn = dependsOn
          // Without SST's own variables, which only its client library reads.
          if (!live) args.environment = { variables: environment }
          if (key) args.kmsKeyArn = key.arn
          Object.assign(args, capacity?.settings)
        },
        // A call that found no room is not made up for when the next one is due.
        ...(trigger.kind === 'schedule' && { eventInvokeConfig: { maximumEventAgeInSeconds: trigger.rate } }),
      },
    },
    place.options,
  )
  if (ownName !== undefined) {
    // By itself Lambda takes the sixteenth call for a loop, and stops it. The function bounds them itself (functions/mig).
    new aws.lambda.FunctionRecursionConfig(
      `${logical}Recursion`,
      { functionName: made.name, recursiveLoop: 'Allow' },
      place.options,
    )
  }
  return { function: made, logGroup, environment }
}
