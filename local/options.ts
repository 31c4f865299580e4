/** What the local stack is told: from the environment and the command line to typed options. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { problemsOf } from '../functions/config/functions.ts'
import { type FunctionName, functions, routerFunctions, unitFunctions } from '../infra/functions.ts'
import type { AwsCall, DynamoDbExchange } from './aws-calls.ts'
import { StartError } from './start-error.ts'

/** What is started: one unit, so many behind a router, or a router in front of units that run elsewhere. */
export type Setup = { kind: 'unit' } | { kind: 'regions'; count: number } | { kind: 'router' }

export interface StackOptions {
  setup: Setup
  /** Where all of its data is. */
  stateDir: string
  /** Where the unit or the router listens, and with regions the units on the ports after it; 0: any free ports. */
  port: number
  host: string
  /** Instances of each unit and of the router, and requests that each takes at once. */
  instances: number
  concurrency: number
  /** Stops an instance between two requests, as Lambda does. */
  freeze: boolean
  /** The address is as unkind as a function URL behind CloudFront (`local/lambda/function-url.ts`). */
  awsFaults: boolean
  /** Forgets what is in the state directory, but for the wallet. */
  fresh: boolean
  /** Builds and starts the functions again when a source changes. */
  watch: boolean
  /** Ports of the parts; any free ones where not named. With regions the first unit has the port after the named one, and so on. */
  ports: { dynamodb?: number; s3?: number; postgres?: number; neon?: number; gateway?: number }
  /** What each call of DynamoDB and S3 takes longer, ms, to measure as on AWS; 0: not at all. */
  latency: { dynamodb: number; s3: number }
  /** Time between the gateway stand-in's blocks, ms. Units take a faster rise of the height for a fault of the gateway. */
  blockMs: number
  /** Configuration variables: what the functions get, beside what the stack sets. */
  variables: Record<string, string>
  /** Hears of each call of DynamoDB or S3 that a function makes; for tests. */
  onCall?: (call: AwsCall) => void
  /** Hears of each answered request to DynamoDB that a function makes; for the bench. */
  onDynamoDb?: (exchange: DynamoDbExchange) => void
}

type Environment = Readonly<Record<string, string | undefined>>

/** Variables that are the stack's own, and nothing to the functions. */
export const ownVariables: ReadonlySet<string> = new Set([
  'PORT',
  'HOST',
  'STATE_DIR',
  'REGIONS',
  'INSTANCES',
  'CONCURRENCY',
  'FREEZE',
  'AWS_FAULTS',
  'DYNAMODB_PORT',
  'S3_PORT',
  'POSTGRES_PORT',
  'NEON_PORT',
  'GATEWAY_PORT',
  'LATENCY_DYNAMODB_MS',
  'LATENCY_S3_MS',
  'BLOCK_MS',
])

/**
 * Variables of the shell, of npm and of AWS's tools. A function on AWS has none of them, and credentials for a real account are nothing
 * that code under test should have.
 */
const machine =
  /^(AWS_|npm_|NODE|INIT_CWD$|PATH$|HOME$|PWD$|OLDPWD$|SHELL$|SHLVL$|USER$|LOGNAME$|TERM|LANG$|LC_|TMPDIR$|EDITOR$|COLOR$|SSH_|XDG_|_$|VITEST|TEST$)/

export const isOfTheMachine = (name: string): boolean => machine.test(name) && !kept.has(name)

/** The number of worker threads of an instance that takes several requests is configuration, on AWS too. */
export const kept: ReadonlySet<string> = new Set(['AWS_LAMBDA_NODEJS_WORKER_COUNT'])

/** Units behind a router on one machine: each is a whole stack. */
const maxRegions = 9

const flags = '--fresh, --watch and --regions N'

export const help = `Starts a scheduler unit and everything that it needs on this machine, until Ctrl-C.

Usage: npm start [-- FLAGS]

  --regions N   N units behind a router (1 to ${maxRegions}), on the ports after PORT
  --fresh       removes the data of earlier starts, but for the wallet
  --watch       builds the functions again when their source changes, as npm run dev does
  --help        this text

Main variables, from the environment or from .env:

  PORT          where the unit or the router listens (9000; 0: any free port)
  STATE_DIR     where the data is (.local)
  INSTANCES     Lambda instances of each unit and of the router (4)
  REGIONS       as --regions
  LOG_LEVEL     trace, debug, info, warn or error (info)
  DATABASE_URL  a Postgres to use instead of the stack's own
  GATEWAY_URL, UPLOAD_NODE_URL, CACHE_URL
                an Arweave gateway, a bundler and a cache to use instead of the stand-in
  MODE=router   a router alone, in front of the units in SCHEDULER_LIST

All variables: docs/configuration.md. Then: npm run -s send -- process 'print("hello")'`

interface Arguments {
  fresh: boolean
  watch: boolean
  regions: string | undefined
}

const parseArguments = (argv: readonly string[]): Arguments => {
  const { tokens } = parseArgs({
    args: [...argv],
    options: { fresh: { type: 'boolean' }, watch: { type: 'boolean' }, regions: { type: 'string' } },
    strict: false,
    tokens: true,
  })
  const found: Arguments = { fresh: false, watch: false, regions: undefined }
  for (const token of tokens) {
    const argument = argv[token.index] ?? ''
    if (token.kind !== 'option') throw new StartError(`${argument} is not known: there are ${flags}.`)
    const { name, value } = token
    if (name === 'regions') found.regions = value ?? ''
    else if ((name === 'fresh' || name === 'watch') && value === undefined) found[name] = true
    else throw new StartError(`${argument} is not known: there are ${flags}.`)
  }
  return found
}

/** @param argv what follows the program's name: `--fresh`, `--watch`, `--regions N` */
export const parseOptions = (environment: Environment, argv: readonly string[] = []): StackOptions => {
  const { fresh, watch, regions } = parseArguments(argv)
  const set = Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => (value?.trim() ? [[name, value.trim()]] : [])),
  )
  const setup = parseSetup(regions, set)
  const count = (name: string, fallback: number, min: number, max: number): number => {
    const text = set[name]
    return text === undefined ? fallback : wholeNumber(name, text, min, max)
  }
  const after = setup.kind === 'regions' ? setup.count : 0
  const port = (name: string): number | undefined =>
    set[name] === undefined ? undefined : count(name, 0, 1, 65_535 - after)
  const named = {
    dynamodb: port('DYNAMODB_PORT'),
    s3: port('S3_PORT'),
    postgres: port('POSTGRES_PORT'),
    neon: port('NEON_PORT'),
    gateway: port('GATEWAY_PORT'),
  }
  return {
    setup,
    stateDir: resolve(set.STATE_DIR ?? '.local'),
    port: count('PORT', 9000, 0, 65_535 - after),
    host: set.HOST ?? '127.0.0.1',
    instances: count('INSTANCES', 4, 1, 1_000),
    concurrency: count('CONCURRENCY', 1, 1, 1_600),
    freeze: set.FREEZE === 'true',
    awsFaults: set.AWS_FAULTS === 'true',
    fresh,
    watch,
    ports: Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
    latency: {
      dynamodb: count('LATENCY_DYNAMODB_MS', 0, 0, 10_000),
      s3: count('LATENCY_S3_MS', 0, 0, 10_000),
    },
    blockMs: count('BLOCK_MS', 30_000, 1, 86_400_000),
    variables: Object.fromEntries(
      Object.entries(set).filter(([name]) => !(ownVariables.has(name) || isOfTheMachine(name))),
    ),
  }
}

/** Fails with StartError where a variable is set to what no function can work with, before anything is started. */
export const checkVariables = ({ setup: { kind }, variables }: Pick<StackOptions, 'setup' | 'variables'>): void => {
  // With regions, MODE says what each function is told anyway.
  const { MODE, ...rest } = variables
  const names = Object.keys(
    { unit: unitFunctions, router: routerFunctions, regions: functions }[kind],
  ) as FunctionName[]
  const problems = new Set(names.flatMap((name) => problemsOf(name, kind === 'regions' ? rest : variables)))
  if (problems.size > 0) throw new StartError([...problems].join('\n'))
}

const parseSetup = (regions: string | undefined, set: Readonly<Record<string, string>>): Setup => {
  const isRouter = set.MODE === 'router'
  const [name, text] = regions === undefined ? ['REGIONS', set.REGIONS] : ['--regions', regions]
  if (text === undefined) return { kind: isRouter ? 'router' : 'unit' }
  if (isRouter) {
    throw new StartError(
      `MODE=router starts a router alone, in front of units that run elsewhere, and ${name} starts units too: give one of them.`,
    )
  }
  return { kind: 'regions', count: wholeNumber(name, text, 1, maxRegions) }
}

const wholeNumber = (name: string, text: string, min: number, max: number): number => {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new StartError(`${name} must be a whole number from ${min} to ${max}.`)
  }
  return value
}
