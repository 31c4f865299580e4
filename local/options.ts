/** What the local stack is told: from the environment and the command line to typed options. */
import { resolve } from 'node:path'

export interface StackOptions {
  /** Where all of its data is. */
  stateDir: string
  /** Where the unit listens; 0: any free port. */
  port: number
  host: string
  /** Instances of the unit, and requests that each takes at once. */
  instances: number
  concurrency: number
  /** Stops an instance between two requests, as Lambda does. */
  freeze: boolean
  /** Forgets what is in the state directory, but for the wallet. */
  fresh: boolean
  /** Builds and starts the functions again when a source changes. */
  watch: boolean
  /** Ports of the parts; any free ones where not named. */
  ports: { dynamodb?: number; s3?: number; postgres?: number; neon?: number; gateway?: number }
  /** What each call of DynamoDB and S3 takes longer, ms, to measure as on AWS; 0: not at all. */
  latency: { dynamodb: number; s3: number }
  /** Time between the gateway stand-in's blocks, ms. */
  blockMs: number
  /** Configuration variables: what the functions get, beside what the stack sets. */
  variables: Record<string, string>
}

/** What keeps the stack from starting; the message says what to do. */
export class StartError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'StartError'
  }
}

type Environment = Readonly<Record<string, string | undefined>>

/** Variables that are the stack's own, and nothing to the functions. */
export const ownVariables: ReadonlySet<string> = new Set([
  'PORT',
  'HOST',
  'STATE_DIR',
  'INSTANCES',
  'CONCURRENCY',
  'FREEZE',
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
const ofTheMachine =
  /^(AWS_|npm_|NODE|INIT_CWD$|PATH$|HOME$|PWD$|OLDPWD$|SHELL$|SHLVL$|USER$|LOGNAME$|TERM|LANG$|LC_|TMPDIR$|EDITOR$|COLOR$|SSH_|XDG_|_$|VITEST|TEST$)/

/** The number of worker threads of an instance that takes several requests is configuration, on AWS too. */
export const kept: ReadonlySet<string> = new Set(['AWS_LAMBDA_NODEJS_WORKER_COUNT'])

/** @param argv what follows the program's name: `--fresh`, `--watch` */
export const parseOptions = (environment: Environment, argv: readonly string[] = []): StackOptions => {
  const unknown = argv.filter((argument) => argument !== '--fresh' && argument !== '--watch')
  if (unknown.length > 0) throw new StartError(`${unknown.join(' ')} is not known: there are --fresh and --watch.`)
  const set = Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => (value?.trim() ? [[name, value.trim()]] : [])),
  )
  const count = (name: string, fallback: number, min: number, max: number): number => {
    const text = set[name]
    if (text === undefined) return fallback
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new StartError(`${name} must be a whole number from ${min} to ${max}.`)
    }
    return value
  }
  const port = (name: string): number | undefined => (set[name] === undefined ? undefined : count(name, 0, 1, 65_535))
  const named = {
    dynamodb: port('DYNAMODB_PORT'),
    s3: port('S3_PORT'),
    postgres: port('POSTGRES_PORT'),
    neon: port('NEON_PORT'),
    gateway: port('GATEWAY_PORT'),
  }
  return {
    stateDir: resolve(set.STATE_DIR ?? '.local'),
    port: count('PORT', 9000, 0, 65_535),
    host: set.HOST ?? '127.0.0.1',
    instances: count('INSTANCES', 4, 1, 1_000),
    concurrency: count('CONCURRENCY', 1, 1, 1_600),
    freeze: set.FREEZE === 'true',
    fresh: argv.includes('--fresh'),
    watch: argv.includes('--watch'),
    ports: Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
    latency: {
      dynamodb: count('LATENCY_DYNAMODB_MS', 0, 0, 10_000),
      s3: count('LATENCY_S3_MS', 0, 0, 10_000),
    },
    blockMs: count('BLOCK_MS', 2_000, 1, 86_400_000),
    variables: Object.fromEntries(
      Object.entries(set).filter(([name]) => kept.has(name) || !(ownVariables.has(name) || ofTheMachine.test(name))),
    ),
  }
}
